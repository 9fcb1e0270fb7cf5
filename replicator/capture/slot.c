/* The slot of a target: what the source can prove of its history, and the logged write that makes the proof. */
#include <stdio.h>
#include <stdlib.h>

#include "names.h"
#include "repl/embedded.h"

static const char *number(struct arena *a, int64_t n)
{
    return arena_printf(a, "%lld", (long long)n);
}

char *name_slot(struct arena *a, const struct capture *c, const char *what)
{
    return name_of(a, c, arena_printf(a, "slot_%d_%s", c->slot, what));
}

bool capture_open_slot(struct conn *db, struct capture *c, const char *target, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *const params[] = {target};
    bool ok = pg_query(db, arena_printf(a, "SELECT %s($1)", name_of(a, c, "open_slot")), 1, params, &r, e);
    if (ok) {
        c->slot = result_null(r, 0, 0) ? 0 : (int)result_int(r, 0, 0);
        result_free(r);
    }
    arena_free(a);
    return ok;
}

static int64_t int_or(const struct result *r, int col, int64_t otherwise)
{
    return result_null(r, 0, col) ? otherwise : result_int(r, 0, col);
}

bool capture_proof(struct conn *db, const struct capture *c, const char *target, int64_t epoch,
                   struct slot_proof *out, struct err *e)
{
    struct result *r;
    char known[24];
    snprintf(known, sizeof known, "%lld", (long long)epoch);
    const struct sql_var vars[] = {{"schema", c->schema}, {"target", target}, {"epoch", known}, {NULL, NULL}};
    if (!pg_query_filled(db, sql_capture_proof, vars, &r, e))
        return false;
    *out = (struct slot_proof){
        .source = {.timeline = result_int(r, 0, 1), .database = (uint32_t)result_int(r, 0, 2)},
        .lsn = result_int(r, 0, 3),
        .xmax = result_int(r, 0, 4),
        .slot = (int)int_or(r, 5, 0),
        .epoch = int_or(r, 6, 0),
        .written = int_or(r, 7, 0),
        .applied = int_or(r, 8, 0),
        .applied_batch = int_or(r, 9, 0),
        .known = !result_null(r, 0, 10),
        .first = int_or(r, 10, 0),
        .last = int_or(r, 11, 0),
    };
    snprintf(out->source.system_identifier, sizeof out->source.system_identifier, "%s", result_text(r, 0, 0));
    result_free(r);
    return true;
}

bool capture_begin_epoch(struct conn *db, struct capture *c, int64_t mark, int64_t at_least, int64_t *first,
                         struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *const params[] = {number(a, c->slot), number(a, mark), number(a, at_least)};
    bool ok = pg_query(db, arena_printf(a, "SELECT %s($1, $2, $3)", name_of(a, c, "begin_epoch")), 3, params,
                       &r, e);
    if (ok) {
        *first = result_int(r, 0, 0);
        c->epoch = mark;
        result_free(r);
    }
    arena_free(a);
    return ok;
}

bool capture_written(struct conn *db, const struct capture *c, int64_t at_least, int64_t *out, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *const params[] = {number(a, c->slot), number(a, c->epoch), number(a, at_least)};
    bool ok =
        pg_query(db, arena_printf(a, "SELECT number FROM %s($1::int, $2, $3)", name_of(a, c, "written")), 3,
                 params, &r, e);
    if (ok) {
        *out = result_int(r, 0, 0);
        result_free(r);
    }
    arena_free(a);
    return ok;
}

bool capture_rely(struct conn *db, const struct capture *c, int64_t applied, int64_t batch, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *const params[] = {number(a, c->slot), number(a, c->epoch), number(a, applied),
                                  number(a, batch)};
    bool ok =
        pg_query(db, arena_printf(a, "SELECT %s($1, $2, $3, $4)", name_of(a, c, "rely")), 4, params, &r, e);
    if (ok) {
        ok = result_bool(r, 0, 0) || capture_is_as_left(c, 0, 0, 1, e);
        result_free(r);
    }
    arena_free(a);
    return ok;
}

char *capture_end_sql(struct arena *a, const struct capture *c, int64_t at_least)
{
    const struct sql_var vars[] = {{"schema", c->schema},
                                   {"slot", number(a, c->slot)},
                                   {"epoch", number(a, c->epoch)},
                                   {"written", number(a, at_least)},
                                   {NULL, NULL}};
    return sql_filled(a, sql_capture_end, vars);
}

bool capture_applied(struct conn *db, const struct capture *c, int64_t *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema}, {NULL, NULL}};
    if (!pg_query_filled(db, sql_capture_applied, vars, &r, e))
        return false;
    *out = result_int(r, 0, 0);
    result_free(r);
    return true;
}

bool capture_is_as_left(const struct capture *c, int64_t epoch, int64_t written, int64_t at_least,
                        struct err *e)
{
    if (epoch == c->epoch && written >= at_least)
        return true;
    err_set(e, ERR_CONFLICT,
            "the source is not as the engine left it: it was restored, or another engine works on this sync");
    return err_hint(e, "repl connects again and looks at what became of it");
}
