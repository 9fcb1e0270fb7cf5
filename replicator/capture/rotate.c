/* The doorbell, rotation, and what the source remembers of the target. */
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

/* The positions of those that hold something: "" of tables that the target does not have in its list. They were captured by
 * an init that has not ended, and whatever brings their rows later may need all that was recorded since. */
static struct positions of_dirty(const struct positions *p, const int *ids, size_t n, struct arena *a)
{
    struct table_position *own = arena_alloc(a, (p->nown + n + 1) * sizeof *own);
    size_t nown = 0;
    for (; nown < p->nown; nown++)
        own[nown] = p->own[nown];
    for (size_t i = 0; i < n && p->known != NULL; i++)
        if (!ids_have(p->known, ids[i]))
            own[nown++] = (struct table_position){ids[i], ""};
    return (struct positions){.snapshot = p->snapshot, .own = own, .nown = nown};
}

/* What is truncated can never be owed again. So trim() has the source remember which batch of the target it relies on: a
 * target that turns out to lack it has lost what nobody has any more. A table a transaction, so that a writer of one never
 * waits for the truncation of the others. */
static bool trim_tables(struct conn *db, const struct capture *c, const struct positions *p, const int *ids,
                        size_t n, const char *const slot[4], struct arena *a, int *truncated, struct err *e)
{
    const char *sql = arena_printf(a, "SELECT %s($1, $2, $3, $4, $5, $6)", name_of(a, c, "trim"));
    fault_point("rotate.before_trim");
    for (size_t i = 0; i < n; i++) {
        const char *const params[] = {
            arena_printf(a, "%d", ids[i]), positions_of(p, ids[i]), slot[0], slot[1], slot[2], slot[3]};
        if (!ask(db, sql, 6, params, truncated, e))
            return false;
    }
    return true;
}

bool capture_rotate(struct conn *db, const struct capture *c, const struct awake *w,
                    const struct positions *p, int64_t number, int64_t batch, int64_t min_bytes,
                    int *truncated, struct err *e)
{
    struct arena *a = arena_new();
    int changed = 0, *ids;
    size_t n;
    bool woke; /* which the next look finds, too */
    const char *const slot[] = {arena_printf(a, "%d", c->slot), arena_printf(a, "%lld", (long long)c->epoch),
                                arena_printf(a, "%lld", (long long)number),
                                arena_printf(a, "%lld", (long long)batch)};
    const char *const bytes[] = {arena_printf(a, "%lld", (long long)min_bytes), watched(a, w)};
    *truncated = 0;
    bool ok = capture_dirty(db, c, w, number, a, &ids, &n, &woke, e);
    if (ok) {
        const struct positions dirty = of_dirty(p, ids, n, a);
        const char *const marks[] = {
            dirty.snapshot, own_ids(a, &dirty), own_positions(a, &dirty), slot[0], slot[1], slot[2], slot[3]};
        ok = trim_tables(db, c, &dirty, ids, n, slot, a, truncated, e) &&
             ask(db,
                 arena_printf(a, "SELECT %s($1, $2, $3, $4, $5, $6, $7)", name_of(a, c, "trim_truncations")),
                 7, marks, truncated, e) &&
             ask(db, arena_printf(a, "SELECT %s($1, $2)", name_of(a, c, "change_sides")), 2, bytes, &changed,
                 e);
    }
    arena_free(a);
    return ok;
}
