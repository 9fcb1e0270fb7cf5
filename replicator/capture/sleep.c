/* Sleep: what was not written to for long is not looked at, until it wakes (docs/capture.md). */
#include "names.h"

bool capture_lull(struct conn *db, const struct capture *c, const struct ids *keep, struct lull *out,
                  struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    const char *const params[] = {list_ids(a, keep)};
    bool ok = pg_query(db, arena_printf(a, "SELECT woken_then, horizon FROM %s($1)", name_of(a, c, "lull")),
                       1, params, &r, e);
    if (ok) {
        *out = (struct lull){.woken = result_int(r, 0, 0), .horizon = result_int(r, 0, 1)};
        result_free(r);
    }
    arena_free(a);
    return ok;
}

bool capture_awake(struct conn *db, const struct capture *c, const struct lull *l, struct arena *a,
                   bool *settled, struct awake *out, struct err *e)
{
    struct result *r;
    const char *const params[] = {arena_printf(a, "%lld", (long long)l->horizon)};
    const char *sql = arena_printf(a, "SELECT * FROM %s($1)", name_of(a, c, "awake"));
    if (!pg_query(db, sql, 1, params, &r, e))
        return false;
    size_t n = (size_t)result_rows(r);
    int *ids = arena_alloc(a, (n + 1) * sizeof *ids);
    *settled = n == 0 || !result_null(r, 0, 0);
    for (size_t i = 0; *settled && i < n; i++)
        ids[i] = (int)result_int(r, (int)i, 0);
    *out = (struct awake){.ids = {ids, n}, .woken = l->woken};
    result_free(r);
    return true;
}
