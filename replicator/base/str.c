#include "repl/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "repl/buf.h"
#include "repl/mem.h"

void str_cut(char *s, size_t size)
{
    size_t len = strlen(s), at = len;
    if (len + 1 < size)
        return;
    while (at > 0 && ((unsigned char)s[at - 1] & 0xc0) == 0x80)
        at--;
    if (at == 0)
        return;
    unsigned char lead = (unsigned char)s[--at];
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (len - at < whole)
        s[at] = '\0';
}

void strlist_add(struct strlist *l, const char *s)
{
    l->items = xrealloc(l->items, (l->count + 1) * sizeof *l->items);
    l->items[l->count++] = xstrdup(s);
}

void strlist_add_csv(struct strlist *l, const char *csv)
{
    while (*csv != '\0') {
        size_t n = strcspn(csv, ",");
        const char *from = csv, *to = csv + n;
        while (from < to && isspace((unsigned char)*from))
            from++;
        while (to > from && isspace((unsigned char)to[-1]))
            to--;
        if (to > from) {
            char *part = strndup(from, (size_t)(to - from));
            if (part == NULL)
                abort();
            strlist_add(l, part);
            free(part);
        }
        csv += n + (csv[n] == ',');
    }
}

char *strlist_csv(const struct strlist *l)
{
    struct buf b = {0};
    buf_puts(&b, "");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(&b, "%s%s", i != 0 ? "," : "", l->items[i]);
    return b.data;
}

void strlist_free(struct strlist *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct strlist){0};
}

bool str_matches(const char *pattern, const char *s)
{
    /* On a mismatch go back to the last star and let it take one character more. */
    const char *star = NULL, *retry = NULL;
    while (*s != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star != NULL) {
            pattern = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

size_t str_distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    size_t *row = xmalloc((n + 1) * sizeof *row);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    size_t distance = row[n];
    free(row);
    return distance;
}

const char *str_bytes(char *out, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t u = 0;
    while (bytes >= 999.5 && u + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        u++;
    }
    snprintf(out, size, u == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
    return out;
}

const char *str_duration(char *out, size_t size, double seconds)
{
    if (seconds < 10) {
        snprintf(out, size, "%.1fs", seconds);
        return out;
    }
    long s = (long)(seconds + 0.5);
    if (s < 60)
        snprintf(out, size, "%lds", s);
    else if (s < 3600)
        snprintf(out, size, "%ldm %02lds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, size, "%ldh %02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(out, size, "%ldd %02ldh", s / 86400, s / 3600 % 24);
    return out;
}

bool str_parse_int(const char *s, long long min, long long max, long long *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno != 0 || end == s || *end != '\0' || v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool str_parse_size(const char *s, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {{"", 1},         {"B", 1},           {"kB", 1000},
                 {"MB", 1000000}, {"GB", 1000000000}, {"TB", 1000000000000ull}};
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)*s))
        return false;
    unsigned long long v = strtoull(s, &end, 10);
    while (*end == ' ')
        end++;
    for (size_t i = 0; errno == 0 && i < sizeof units / sizeof *units; i++)
        if (strcasecmp(end, units[i].name) == 0 && v <= UINT64_MAX / units[i].factor) {
            *out = v * units[i].factor;
            return true;
        }
    return false;
}

bool str_parse_rate(const char *s, int64_t *out)
{
    char size[32];
    uint64_t v;
    size_t n = strlen(s);
    *out = 0;
    if (strcasecmp(s, "unlimited") == 0)
        return true;
    if (n > 2 && strcasecmp(s + n - 2, "/s") == 0)
        n -= 2;
    if (n >= sizeof size)
        return false;
    memcpy(size, s, n);
    size[n] = '\0';
    if (!str_parse_size(size, &v) || v < STR_LEAST_RATE || v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

const char *str_rate(char *out, size_t size, int64_t bytes_per_second)
{
    char bytes[32];
    if (bytes_per_second == 0)
        snprintf(out, size, "unlimited");
    else
        snprintf(out, size, "%s/s", str_bytes(bytes, sizeof bytes, (double)bytes_per_second));
    return out;
}
