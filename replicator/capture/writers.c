/* The writers in flight when a fence comes up. */
#include <stdlib.h>

#include "repl/embedded.h"
#include "repl/fence.h"

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
