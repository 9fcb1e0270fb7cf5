/*
 * Databases that were copied from the source after capture was installed: a fork, or what a dump was restored into. They carry capture's tables as they were then, and by those they are known.
 *
 * Why rows may be taken from such a copy, made at a moment F (docs/architecture.md, "Rows from a fork"): a transaction
 * that is not in the copy wrote after F, so after T0, and its keys are in the source's deltas; one that is in the copy and
 * wrote after T0 has its keys in the copy's deltas and in the source's. A row whose key is in neither is as it was at T0.
 * So the chunks' rule holds as it does on the source: what is in the deltas is left out, and the rest is a subset of the
 * state at T0. The source truncates no delta of a table before the table's first batch, which brings all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/capture.h"
#include "repl/embedded.h"

/* Transactions of the copy that are compared. Those that only the copy knows are newer than all that it shares with the
 * source, so its newest would do; more of them, so that an id that both gave out does not deceive. */
enum { COMPARED = 1000 };

bool capture_history(struct conn *db, const struct capture *c, struct server_identity *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema}, {NULL, NULL}};
    if (!pg_query_filled(db, sql_capture_history, vars, &r, e))
        return false;
    *out = (struct server_identity){.timeline = result_int(r, 0, 1)};
    snprintf(out->system_identifier, sizeof out->system_identifier, "%s", result_text(r, 0, 0));
    result_free(r);
    return true;
}

bool capture_note_history(struct conn *source, const struct capture *c, struct err *e)
{
    struct server_identity now;
    char timeline[24];
    if (!catalog_identity(source, &now, e))
        return false;
    snprintf(timeline, sizeof timeline, "%lld", (long long)now.timeline);
    const struct sql_var vars[] = {{"schema", c->schema},
                                   {"system_identifier", now.system_identifier},
                                   {"timeline", timeline},
                                   {NULL, NULL}};
    return pg_exec_filled(source, sql_capture_history_note, vars, e);
}

bool capture_seen(struct conn *db, const struct capture *c, const struct relations *l, struct arena *a,
                  struct captured_table **out, struct err *e)
{
    struct buf oids = {0};
    struct result *r;
    buf_puts(&oids, "{");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(&oids, "%s%u", i != 0 ? "," : "", l->items[i].oid);
    buf_puts(&oids, "}");
    const struct sql_var vars[] = {{"schema", c->schema}, {"oids", oids.data}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_capture_seen, vars, &r, e);
    buf_free(&oids);
    if (!ok)
        return false;
    *out = arena_alloc(a, (l->count + 1) * sizeof **out);
    for (int i = 0; i < result_rows(r); i++)
        (*out)[i] = (struct captured_table){.exists = result_bool(r, i, 0),
                                            .unlogged = result_bool(r, i, 1),
                                            .id = (int)result_int(r, i, 2),
                                            .installed_at = arena_strdup(a, result_text(r, i, 3)),
                                            .shape = arena_strdup(a, result_text(r, i, 4))};
    result_free(r);
    return true;
}

/* ---- what both have on record ---- */

static char *id_array(const struct relations *l)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(&b, "%s%d", i != 0 ? "," : "", l->items[i].id);
    buf_puts(&b, "}");
    return b.data;
}

static bool newest(struct conn *copy, const struct capture *c, const char *ids, int64_t *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema}, {"ids", ids}, {NULL, NULL}};
    if (!pg_query_filled(copy, sql_capture_newest, vars, &r, e))
        return false;
    *out = result_int(r, 0, 0);
    result_free(r);
    return true;
}

static bool written(struct conn *db, const struct capture *c, const char *ids, int64_t highest,
                    struct result **out, struct err *e)
{
    char from[24], to[24];
    snprintf(from, sizeof from, "%lld", (long long)(highest - COMPARED));
    snprintf(to, sizeof to, "%lld", (long long)highest);
    const struct sql_var vars[] = {
        {"schema", c->schema}, {"ids", ids}, {"lowest", from}, {"highest", to}, {NULL, NULL}};
    return pg_query_filled(db, sql_capture_written, vars, out, e);
}

static int compare(const struct result *a, int i, const struct result *b, int k)
{
    for (int col = 0; col < 2; col++) {
        int64_t x = result_int(a, i, col), y = result_int(b, k, col);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return strcmp(result_text(a, i, 2), result_text(b, k, 2));
}

static bool unknown(const struct result *r, int i, const struct relations *l, struct err *e)
{
    const struct relation *t = relations_by_id(l, (int)result_int(r, i, 0));
    err_set(
        e, ERR_CONFIG,
        "it has a change on record (transaction %lld) that the source never made: somebody wrote to it, or "
        "it was copied from another history of the source",
        (long long)result_int(r, i, 1));
    return t == NULL ? false : err_relation(e, t);
}

/* Both come in the same order. */
static bool contained(const struct result *copy, const struct result *source, const struct relations *l,
                      struct err *e)
{
    int k = 0;
    for (int i = 0; i < result_rows(copy); i++) {
        while (k < result_rows(source) && compare(source, k, copy, i) < 0)
            k++;
        if (k == result_rows(source) || compare(source, k, copy, i) != 0)
            return unknown(copy, i, l, e);
    }
    return true;
}

bool capture_is_part(struct conn *copy, struct conn *source, const struct capture *c,
                     const struct relations *l, struct err *e)
{
    int64_t highest;
    struct result *there = NULL, *here = NULL;
    char *ids = id_array(l);
    bool ok = newest(copy, c, ids, &highest, e);
    if (ok && highest != 0)
        ok = written(copy, c, ids, highest, &there, e) && written(source, c, ids, highest, &here, e) &&
             contained(there, here, l, e);
    result_free(there);
    result_free(here);
    free(ids);
    return ok;
}
