#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/engine.h"
#include "settings.h"

/* One table: what is not here cannot be set, and what is here is in repl.conf(5). */
const struct setting engine_settings[] = {
    {"answer_ms", "ms", 15000, 1000, 3600000,
     "How long repl waits for a server's answer: a small statement, a look or a connection that takes longer "
     "is "
     "given up; for a long one the server is asked through another connection whether it still works."},
    {"batch_bytes", "bytes", 256000000, 8192, 100000000000,
     "Size of changed rows, by the average width of their table's, up to which a backlog is brought over in "
     "one "
     "consistent batch; above it, in steps, none of which brings more."},
    {"batch_rows", "rows", 500000, 1, 100000000,
     "Changed rows up to which a backlog is brought over in one consistent batch; above it, in steps."},
    {"chunk_by_key", "", 0, 0, 1,
     "1: the initial copy cuts tables into ranges of keys, not of blocks, as it does anyway before "
     "PostgreSQL 14."},
    {"chunk_max_bytes", "bytes", 512000000, 8192, 100000000000, "Largest chunk of the initial copy."},
    {"chunk_min_bytes", "bytes", 4000000, 8192, 10000000000,
     "Smallest chunk a table is cut into; smaller tables are copied together."},
    {"connections_spare", "connections", 3, 0, 10000,
     "Connections of the source that repl leaves free: where there are fewer it goes on with fewer workers."},
    {"delta_max_bytes", "bytes", 1000000000, 8192, 1000000000000,
     "Size of the delta tables on the source above which repl says so, and rests longer between batches."},
    {"fan_out_rows", "rows", 20000, 1, 100000000,
     "Changed rows of a batch that are worth another worker to read and stage them."},
    {"lock_timeout_ms", "ms", 200, 1, 60000,
     "How long repl waits for a table lock on the source before it steps back and tries again."},
    {"poll_ms", "ms", 1000, 10, 60000, "Longest an idle engine goes without looking at the source."},
    {"rest_ms", "ms", 50, 0, 10000,
     "Longest rest between two batches while changes come without end; a rest is what the batch took for "
     "each 16 rows that it brought, twice that at most."},
    {"retry_max_ms", "ms", 30000, 100, 3600000, "Longest wait between two tries after an error."},
    {"ring_anyway", "", 0, 0, 1,
     "1: changes are announced by NOTIFY although the source's max_prepared_transactions is not 0; PREPARE "
     "TRANSACTION then fails now and then."},
    {"rotate_bytes", "bytes", 1000000, 8192, 10000000000,
     "Size of the delta tables at which the writers are sent to the other side."},
    {"sleep_ms", "ms", 10000, 10, 3600000,
     "How long nothing is written to a table before repl looks at it no more, until it is written to again."},
    {"sleep_tables", "tables", 50, 0, 1000000, "Tables up to which repl looks at all of them always."},
    {"slice_ms", "ms", 10000, 100, 600000,
     "How long one transaction on the source should read, whatever the wire and --max-rate; six times that "
     "is the most."},
    {"step_rows", "rows", 200000, 100, 100000000, "Changed rows brought over by one step of catching up."},
    {"survey_ms", "ms", 10000, 100, 3600000,
     "How often repl looks whether tables were altered, added or dropped on either side."},
    {"wal_max_bytes", "bytes", 8000000000, 1000000, 100000000000000,
     "WAL that the source keeps, not archived or for a replication slot, above which repl says so and slows "
     "down."},
    {"watch_ms", "ms", 5000, 100, 3600000,
     "How often repl looks at the source's deltas, WAL and free connections."},
    {NULL, NULL, 0, 0, 0, NULL},
};

static const size_t places[] = {
    offsetof(struct settings, answer_ms),         offsetof(struct settings, batch_bytes),
    offsetof(struct settings, batch_rows),        offsetof(struct settings, chunk_by_key),
    offsetof(struct settings, chunk_max_bytes),   offsetof(struct settings, chunk_min_bytes),
    offsetof(struct settings, connections_spare), offsetof(struct settings, delta_max_bytes),
    offsetof(struct settings, fan_out_rows),      offsetof(struct settings, lock_timeout_ms),
    offsetof(struct settings, poll_ms),           offsetof(struct settings, rest_ms),
    offsetof(struct settings, retry_max_ms),      offsetof(struct settings, ring_anyway),
    offsetof(struct settings, rotate_bytes),      offsetof(struct settings, sleep_ms),
    offsetof(struct settings, sleep_tables),      offsetof(struct settings, slice_ms),
    offsetof(struct settings, step_rows),         offsetof(struct settings, survey_ms),
    offsetof(struct settings, wal_max_bytes),     offsetof(struct settings, watch_ms),
};

static int64_t *place(struct settings *s, size_t i)
{
    return (int64_t *)((char *)s + places[i]);
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static bool unknown(const char *path, int line, const char *name, struct err *e)
{
    struct buf names = {0};
    for (const struct setting *s = engine_settings; s->name != NULL; s++)
        buf_printf(&names, "%s%s", names.len != 0 ? ", " : "", s->name);
    err_set(e, ERR_CONFIG, "%s line %d: there is no setting %s", path, line, name);
    err_hint(e, "valid are: %s", names.data);
    buf_free(&names);
    return false;
}

static bool set(struct settings *out, const char *path, int line, const char *name, const char *value,
                struct err *e)
{
    for (size_t i = 0; engine_settings[i].name != NULL; i++) {
        const struct setting *s = &engine_settings[i];
        uint64_t v;
        if (strcmp(s->name, name) != 0)
            continue;
        if (!str_parse_size(value, &v) || v < (uint64_t)s->min || v > (uint64_t)s->max) {
            err_set(e, ERR_CONFIG, "%s line %d: %s cannot be %s", path, line, name, value);
            return err_hint(e, "give a whole number from %lld to %lld %s", (long long)s->min,
                            (long long)s->max, s->unit);
        }
        *place(out, i) = (int64_t)v;
        return true;
    }
    return unknown(path, line, name, e);
}

/* A # within a value (a command's, say) begins no comment. */
static void cut_comment(char *text)
{
    for (char *p = text; (p = strchr(p, '#')) != NULL; p++)
        if (p == text || isspace((unsigned char)p[-1])) {
            *p = '\0';
            return;
        }
}

static bool is_text(const char *name)
{
    return strcmp(name, "source") == 0 || strcmp(name, "target") == 0 || strcmp(name, "schema") == 0;
}

/* The value of a line that is about a text, or NULL; name ends where it ends. */
static char *text_line(char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return NULL;
    *equals = '\0';
    char *name = trim(text);
    bool found = is_text(name);
    if (name != text)
        memmove(text, name, strlen(name) + 1);
    if (!found)
        *equals = '=';
    return found ? equals + 1 : NULL;
}

static bool read_line(struct settings *out, const char *path, int line, char *text, struct err *e)
{
    char *copy = xstrdup(text);
    bool other = text_line(copy) != NULL;
    free(copy);
    if (other)
        return true;
    text[strcspn(text, "#")] = '\0';
    char *name = trim(text), *equals = strchr(name, '=');
    if (*name == '\0')
        return true;
    if (equals == NULL) {
        err_set(e, ERR_CONFIG, "%s line %d is no setting", path, line);
        return err_hint(e, "write: name = value");
    }
    *equals = '\0';
    return set(out, path, line, trim(name), trim(equals + 1), e);
}

bool settings_use(const char *dir, struct err *e)
{
    struct settings s = {0};
    if (!settings_load(dir, &s, e))
        return false;
    pg_patience((unsigned)s.answer_ms);
    return true;
}

bool settings_text(const char *dir, const char *name, char **value, struct err *e)
{
    char *path = xasprintf("%s/repl.conf", dir), *text = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "re");
    *value = NULL;
    bool ok =
        f != NULL || errno == ENOENT || err_set(e, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    while (f != NULL && getline(&text, &cap, f) >= 0) {
        char *given = text_line(text);
        if (given == NULL || strcmp(text, name) != 0)
            continue;
        cut_comment(given);
        given = trim(given);
        free(*value);
        *value = *given != '\0' ? xstrdup(given) : NULL;
    }
    if (f != NULL)
        fclose(f);
    free(text);
    free(path);
    return ok;
}

bool settings_load(const char *dir, struct settings *out, struct err *e)
{
    for (size_t i = 0; engine_settings[i].name != NULL; i++)
        *place(out, i) = engine_settings[i].fallback;
    char *path = xasprintf("%s/repl.conf", dir), *text = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "re");
    bool ok = f != NULL || errno == ENOENT || errno == ENOTDIR ||
              err_set(e, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    for (int line = 1; ok && f != NULL && getline(&text, &cap, f) >= 0; line++)
        ok = read_line(out, path, line, text, e);
    if (f != NULL)
        fclose(f);
    free(text);
    free(path);
    return ok;
}
