/*
 * The fence of a cutover. Functions are replaced, no table is locked: whoever takes a write lock on a captured table
 * after the replacement has committed sees it, since taking a lock makes a session look at what was changed. Those that
 * held one before are the writers in flight; when they have ended, the deltas hold everything.
 */
#include <stdlib.h>

#include "names.h"
#include "repl/embedded.h"

static bool count(struct conn *db, const struct capture *c, const char *function, int64_t *n, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    bool ok = pg_query(db, arena_printf(a, "SELECT %s()", name_of(a, c, function)), 0, NULL, &r, e);
    arena_free(a);
    if (!ok)
        return false;
    *n = result_int(r, 0, 0);
    result_free(r);
    return true;
}

bool capture_fence(struct conn *db, const struct capture *c, int64_t *functions, struct err *e)
{
    return count(db, c, "put_up_fence", functions, e) ||
           err_context(e, "switching writes to the %s off", side_name(conn_side(db)));
}

bool capture_lift_fence(struct conn *db, const struct capture *c, int64_t *functions, struct err *e)
{
    return count(db, c, "lift_fence", functions, e) ||
           err_context(e, "letting writes to the %s on again", side_name(conn_side(db)));
}

bool capture_fenced(struct conn *db, const struct capture *c, bool *fenced, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r;
    char *sql = arena_printf(a, "SELECT EXISTS (SELECT FROM %s)", name_of(a, c, "fence"));
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    arena_free(a);
    if (!ok)
        return false;
    *fenced = result_bool(r, 0, 0);
    result_free(r);
    return true;
}

bool capture_writers(struct conn *db, const struct capture *c, struct arena *a, struct writer **out,
                     size_t *n, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_capture_writers, vars, &r, e);
    if (!ok)
        return err_context(e, "looking for transactions that write");
    *n = (size_t)result_rows(r);
    *out = arena_alloc(a, (*n + 1) * sizeof **out);
    for (int i = 0; i < result_rows(r); i++)
        (*out)[i] = (struct writer){.transaction = arena_strdup(a, result_text(r, i, 0)),
                                    .pid = (int)result_int(r, i, 1),
                                    .who = arena_strdup(a, result_text(r, i, 2)),
                                    .seconds = result_null(r, i, 3) ? -1 : atof(result_text(r, i, 3)),
                                    .state = arena_strdup(a, result_text(r, i, 4)),
                                    .table = arena_strdup(a, result_text(r, i, 5))};
    result_free(r);
    return true;
}
