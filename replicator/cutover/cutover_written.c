/*
 * What was written on the target since the switch began: what --abort would leave behind. Counted in the tables, by the
 * transactions that wrote their rows, and against the rows of the source, which has stood still since. Where that takes too
 * long, by the server's statistics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_private.h"
#include "repl/embedded.h"

enum { COUNT_MS = 10000 };

static bool read_mark(struct conn *target, const char *schema, char **out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    if (!pg_query_filled(target, sql_cutover_mark, vars, &r, e))
        return err_context(e, "noting what the tables of the %s are", side_name(SIDE_TARGET));
    *out = xstrdup(result_text(r, 0, 0));
    result_free(r);
    return true;
}

bool cutover_mark(struct cutover *c, char **out, struct err *e)
{
    return read_mark(c->target, c->s->schema, out, e);
}

struct mark {
    char snapshot[400];
    long long written, deleted;
};

static bool parse_mark(const char *text, struct mark *out)
{
    *out = (struct mark){.snapshot = ""};
    return sscanf(text, "%399s %lld %lld", out->snapshot, &out->written, &out->deleted) == 3;
}

static bool by_statistics(struct cutover *c, struct conn *target, const struct mark *was,
                          struct cutover_written *out, struct err *e)
{
    char *text = NULL;
    struct mark now;
    if (!read_mark(target, c->s->schema, &text, e))
        return false;
    bool known = parse_mark(text, &now) && now.written >= was->written && now.deleted >= was->deleted;
    free(text);
    out->known = known; /* else the statistics were reset */
    out->changed = known ? now.written - was->written : 0;
    out->deleted = known ? now.deleted - was->deleted : 0;
    return true;
}

static bool count(struct conn *db, const char *item, const char *snapshot, int64_t *all, int64_t *young,
                  struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"item", item}, {"snapshot", snapshot}, {NULL, NULL}};
    if (!pg_query_filled(db, sql_cutover_count_new, vars, &r, e))
        return false;
    *all = result_int(r, 0, 0);
    *young = result_int(r, 0, 1);
    result_free(r);
    return true;
}

static bool count_table(struct cutover *c, struct conn *target, const char *item, const char *label,
                        const struct mark *was, int64_t *most, struct cutover_written *out, struct err *e)
{
    int64_t here, there, young, ignored;
    if (!count(target, item, was->snapshot, &there, &young, e) ||
        !count(c->fence, item, "1:1:", &here, &ignored, e))
        return false;
    /* Rows of the source that are not as they were: at most the young ones are among them, the others are gone. */
    int64_t other = here - (there - young), gone = other > young ? other - young : 0;
    out->changed += young;
    out->deleted += gone;
    out->tables += young + gone != 0;
    if (young + gone > *most) {
        *most = young + gone;
        out->most = arena_strdup(c->a, label);
    }
    return true;
}

/* false: it took too long, or a table could not be read. */
static bool by_tables(struct cutover *c, struct conn *target, const struct mark *was,
                      struct cutover_written *out)
{
    struct err ignored;
    struct result *r;
    const uint64_t until = clock_ms() + COUNT_MS;
    const struct sql_var vars[] = {{"schema", c->capture.schema}, {NULL, NULL}};
    int64_t most = 0;
    *out = (struct cutover_written){.most = ""};
    if (!pg_query_filled(c->fence, sql_cutover_counted, vars, &r, &ignored))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < result_rows(r); i++) {
        uint64_t now = clock_ms();
        char *limit = xasprintf("SET statement_timeout = %u", now < until ? (unsigned)(until - now) : 1);
        ok = pg_exec(c->fence, limit, &ignored) && pg_exec(target, limit, &ignored) &&
             count_table(c, target, result_text(r, i, 0), result_text(r, i, 1), was, &most, out, &ignored);
        free(limit);
    }
    result_free(r);
    return (conn_usable(c->fence) ? pg_exec(c->fence, "SET statement_timeout = 0", &ignored) : ok) &&
           (!conn_usable(target) || pg_exec(target, "SET statement_timeout = 0", &ignored)) && ok;
}

bool cutover_count_written(struct cutover *c, struct cutover_written *out, struct err *e)
{
    struct mark was;
    struct conn *target;
    *out = (struct cutover_written){.most = ""};
    if (!parse_mark(c->now.mark, &was))
        return true;
    watch_deadline(c->watch, 3 * COUNT_MS);
    if (!cutover_connect(c, SIDE_TARGET, watch_interrupt(c->watch), &target, e))
        return false;
    bool ok = true;
    if (by_tables(c, target, &was, out)) {
        out->known = out->exact = true;
    } else {
        *out = (struct cutover_written){.most = ""};
        ok = by_statistics(c, target, &was, out, e);
    }
    conn_close(target);
    watch_deadline(c->watch, 0);
    return ok;
}
