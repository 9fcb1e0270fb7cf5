#include "script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"

/* With --verbose every entry begins with its number and address. The same can stand between the quotes of a string: a text
 * that has more headers than entries is no text to cut, see read_range(). */
static const char any_header[] = "\n--\n-- TOC entry ";

static char *header_of(const struct toc_entry *it)
{
    return xasprintf("%s%d (class %u OID %u)\n", any_header, it->id, it->class_oid, it->oid);
}

/* Behind the header, whose other lines are comments as well. */
static char *body_of(char *header, size_t length)
{
    char *end = strstr(header + length, "\n--\n\n");
    return end != NULL ? end + strlen("\n--\n\n") : NULL;
}

/* pg_restore's last words, and the psql commands behind them. */
static void drop_tail(char *text)
{
    char *tail = NULL;
    for (char *at = text; (at = strstr(at, "\n--\n-- PostgreSQL database dump complete\n--\n")) != NULL; at++)
        tail = at;
    if (tail != NULL)
        tail[1] = '\0';
}

static void trim(char *sql)
{
    size_t n = strlen(sql);
    while (n > 0 && (sql[n - 1] == '\n' || sql[n - 1] == ' '))
        sql[--n] = '\0';
}

/* ---- what stands between quotes ---- */

static const char *past_quoted(const char *s, char quote, bool backslashes)
{
    for (s++; *s != '\0'; s++)
        if (*s == '\\' && backslashes && s[1] != '\0')
            s++;
        else if (*s == quote && *++s != quote)
            break;
    return s;
}

static bool is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || (unsigned char)ch >= 0x80;
}

/* Behind $tag$ ... $tag$ at s, or s where none begins there. */
static const char *past_dollars(const char *s, bool in_word)
{
    size_t n = 1;
    while (is_word(s[n]))
        n++;
    if (in_word || s[n] != '$' || isdigit((unsigned char)s[1]))
        return s;
    char *tag = xasprintf("%.*s", (int)(n + 1), s);
    const char *end = strstr(s + n + 1, tag);
    free(tag);
    return end != NULL ? end + n + 1 : s + strlen(s);
}

/* The text with everything between quotes, and the quotes, as 'q'; the caller frees it. What is found in it stands in a
 * statement, and at the same place of the text. */
static char *masked(const char *sql)
{
    char *mask = xstrdup(sql);
    for (const char *s = sql; *s != '\0';) {
        const char *end = s;
        bool in_word = s > sql && is_word(s[-1]);
        if (*s == '\'')
            end = past_quoted(s, *s,
                              in_word && (s[-1] == 'E' || s[-1] == 'e') && (s - sql < 2 || !is_word(s[-2])));
        else if (*s == '"')
            end = past_quoted(s, *s, false);
        else if (*s == '$')
            end = past_dollars(s, in_word);
        else if (s[0] == '-' && s[1] == '-')
            end = s + strcspn(s, "\n");
        memset(mask + (s - sql), 'q', (size_t)(end - s));
        s = end != s ? end : s + 1;
    }
    return mask;
}

/* PostgreSQL 15.20, and what was mended with it, stamps every column's definition with an option of that column. A
 * pg_dump that is older than those releases, of whatever major version, takes it for the user's, and no server takes it
 * back: "ALTER COLUMN v SET (pg_attver=22159008, n_distinct=7);" mask: the line, masked. */
static void drop_mark(char *line, const char *mask, size_t length)
{
    static const char mark[] = "pg_attver=", open[] = " SET (";
    const char *end = mask + length, *set = memmem(mask, length, open, strlen(open));
    const char *at = set != NULL ? memmem(set, (size_t)(end - set), mark, strlen(mark)) : NULL;
    if (at == NULL || strncmp(mask, "ALTER ", strlen("ALTER ")) != 0)
        return;
    const char *to = at + strlen(mark);
    to += strspn(to, "q0123456789");
    if (at[-1] == '(' && *to == ')') { /* nothing else is set */
        memset(line, ' ', length);
        return;
    }
    if (*to == ',')
        to += strspn(to, ", ");
    else
        while (at[-1] == ' ' || at[-1] == ',')
            at--;
    memset(line + (at - mask), ' ', (size_t)(to - at));
}

/* Lines of the mask: no line ends between quotes there. */
static void drop_marks(char *sql)
{
    if (strstr(sql, "pg_attver=") == NULL)
        return;
    char *mask = masked(sql);
    for (size_t at = 0; mask[at] != '\0';) {
        size_t length = strcspn(mask + at, "\n");
        drop_mark(sql + at, mask + at, length);
        at += length + (mask[at + length] == '\n');
    }
    free(mask);
}

/* "ALTER TABLE t ENABLE ALWAYS TRIGGER a;" behind what makes the trigger: blanks in the place of ALWAYS. */
static void make_ordinary(char *sql)
{
    static const char *const always[] = {" ENABLE ALWAYS TRIGGER ", " ENABLE ALWAYS RULE "};
    char *mask = masked(sql);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        for (const char *at = mask; (at = strstr(at, always[i])) != NULL; at++)
            memset(sql + (at - mask) + strlen(" ENABLE "), ' ', strlen("ALWAYS"));
    free(mask);
}

static void clean(const struct toc_entry *it, char *sql, bool keep_always)
{
    if (!keep_always && (strcmp(it->kind, "TRIGGER") == 0 || strcmp(it->kind, "RULE") == 0))
        make_ordinary(sql);
    static const char *const with_columns[] = {"TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW"};
    for (size_t i = 0; i < sizeof with_columns / sizeof *with_columns; i++)
        if (strcmp(it->kind, with_columns[i]) == 0)
            drop_marks(sql);
    trim(sql);
}

size_t script_headers(const char *text)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, any_header)) != NULL; at++)
        n++;
    return n;
}

bool script_cut(char *text, struct toc_entry *const *entries, size_t count, bool keep_always, struct err *e)
{
    char *at = text;
    drop_tail(text);
    for (size_t i = 0; i < count; i++) {
        char *header = header_of(entries[i]);
        char *found = strstr(at, header), *body = found != NULL ? body_of(found, strlen(header)) : NULL;
        free(header);
        if (body == NULL)
            return err_set(e, ERR_OS, "pg_restore printed no statement for %s %s", entries[i]->kind,
                           entries[i]->rest);
        *found = '\0'; /* the end of the one before */
        if (i > 0)
            clean(entries[i - 1], at, keep_always);
        entries[i]->sql = at = body;
    }
    if (count > 0)
        clean(entries[count - 1], at, keep_always);
    return true;
}

struct reading {
    const struct tools *tools;
    const struct dump *d;
    const char *list;
    bool keep_always;
    const struct interrupt *i;
    struct arena *a;
};

static bool print_entries(const struct reading *r, struct toc_entry *const *entries, size_t count,
                          struct buf *out, struct err *e)
{
    struct buf lines = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&lines, "%s\n", entries[i]->line);
    const char *const argv[] = {r->tools->pg_restore,
                                "--verbose",
                                "--no-owner",
                                "--no-acl",
                                "--no-tablespaces",
                                "-L",
                                r->list,
                                "-f",
                                "-",
                                r->d->archive,
                                NULL};
    bool ok = file_write(r->list, buf_text(&lines), lines.len, e) &&
              child_run(&(struct child){.argv = argv, .interrupt = r->i, .out = out}, e);
    buf_free(&lines);
    return ok;
}

/* Each entry prints one header, so as many headers as entries means that no string holds one, and the text can be cut
 * at them. Where there are more, each half is asked for by itself: those that hold no such string are cut. An entry that is
 * asked for alone begins behind the first header, whatever stands in it, and ends with the text. */
static bool read_range(const struct reading *r, struct toc_entry *const *entries, size_t count, struct err *e)
{
    struct buf out = {0};
    if (count == 0)
        return true;
    if (!print_entries(r, entries, count, &out, e)) {
        buf_free(&out);
        return false;
    }
    size_t half = count / 2;
    bool whole = count == 1 || script_headers(buf_text(&out)) == count;
    bool ok =
        whole ? script_cut(arena_strdup(r->a, buf_text(&out)), entries, count, r->keep_always, e) : true;
    buf_free(&out);
    return whole ? ok : read_range(r, entries, half, e) && read_range(r, entries + half, count - half, e);
}

bool script_read(const struct tools *tools, struct dump *d, enum toc_step step, const char *list,
                 bool keep_always, const struct interrupt *i, struct arena *a, struct err *e)
{
    const struct reading r = {tools, d, list, keep_always, i, a};
    size_t count = 0;
    struct toc_entry **entries = arena_alloc(a, (d->toc.count + 1) * sizeof(struct toc_entry *));
    for (size_t k = 0; k < d->toc.count; k++)
        if (toc_left(&d->toc.items[k], step))
            entries[count++] = &d->toc.items[k];
    return read_range(&r, entries, count, e);
}
