/* The doorbell, rotation, and what the source remembers of the target. */
#include <stdlib.h>

#include "names.h"
#include "repl/fault.h"

bool capture_arm(struct conn *db, const struct capture *c, const struct awake *w, bool anyway,
                 enum bell *bell, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *sql =
        arena_printf(a, "(int[]) AS SELECT %s(%s, $1)", name_of(a, c, "arm"), anyway ? "true" : "false");
    const char *const params[] = {watched(a, w)};
    bool ok = pg_kept_query(db, sql, 1, params, &r, e);
    if (ok) {
        *bell = result_null(r, 0, 0) ? BELL_SILENT : result_bool(r, 0, 0) ? BELL_WAS_ARMED : BELL_WAS_RUNG;
        result_free(r);
    }
    arena_free(a);
    return ok;
}

static bool ask(struct conn *db, const char *sql, int n, const char *const *params, int *count, struct err *e)
{
    struct result *r;
    if (!pg_query(db, sql, n, params, &r, e))
        return false;
    *count += result_bool(r, 0, 0);
    result_free(r);
    return true;
}

/* What is truncated can never be owed again. So the source first remembers the batch that the truncation relies on: a
 * target that loses it is refused (capture_applied). */
static bool note_applied(struct conn *db, const struct capture *c, int64_t batch, struct arena *a,
                         struct err *e)
{
    struct buf sql = {0};
    buf_puts(&sql, "SELECT pg_catalog.setval(");
    sql_literal(&sql, name_of(a, c, "applied"));
    buf_printf(&sql, "::pg_catalog.regclass, %lld)", (long long)batch);
    bool ok = pg_exec(db, sql.data, e);
    buf_free(&sql);
    return ok;
}

/* A table a transaction, so that a writer of one never waits for the truncation of the others. */
static bool trim_tables(struct conn *db, const struct capture *c, const struct awake *w,
                        const struct positions *p, struct arena *a, int *truncated, struct err *e)
{
    int *ids;
    size_t n;
    bool woke; /* which the next look finds, too */
    const char *sql = arena_printf(a, "SELECT %s($1, $2)", name_of(a, c, "trim"));
    if (!capture_dirty(db, c, w, a, &ids, &n, &woke, e))
        return false;
    fault_point("rotate.before_trim");
    for (size_t i = 0; i < n; i++) {
        const char *const params[] = {arena_printf(a, "%d", ids[i]), positions_of(p, ids[i])};
        if (!ask(db, sql, 2, params, truncated, e))
            return false;
    }
    return true;
}

bool capture_rotate(struct conn *db, const struct capture *c, const struct awake *w,
                    const struct positions *p, int64_t applied_batch, int64_t min_bytes, int *truncated,
                    struct err *e)
{
    struct arena *a = arena_new();
    int changed = 0;
    *truncated = 0;
    const char *const marks[] = {p->snapshot, own_ids(a, p), own_positions(a, p)};
    const char *const bytes[] = {arena_printf(a, "%lld", (long long)min_bytes), watched(a, w)};
    bool ok =
        note_applied(db, c, applied_batch, a, e) && trim_tables(db, c, w, p, a, truncated, e) &&
        ask(db, arena_printf(a, "SELECT %s($1, $2, $3)", name_of(a, c, "trim_truncations")), 3, marks,
            truncated, e) &&
        ask(db, arena_printf(a, "SELECT %s($1, $2)", name_of(a, c, "change_sides")), 2, bytes, &changed, e);
    arena_free(a);
    return ok;
}

bool capture_applied(struct conn *db, const struct capture *c, int64_t *batch, struct err *e)
{
    struct arena *a = arena_new();
    char *value = NULL;
    bool ok = pg_value(db, arena_printf(a, "SELECT last_value FROM %s", name_of(a, c, "applied")), 0, NULL,
                       &value, e);
    if (ok)
        *batch = value != NULL ? strtoll(value, NULL, 10) : 0;
    free(value);
    arena_free(a);
    return ok;
}
