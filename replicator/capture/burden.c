/* What the source has to keep. */
#include <stdlib.h>

#include "repl/capture.h"
#include "repl/embedded.h"

static int64_t known(const struct result *r, int column)
{
    return !result_null(r, 0, column) ? result_int(r, 0, column) : -1;
}

bool capture_burden(struct conn *db, const struct capture *c, struct arena *a, struct burden *out,
                    struct err *e)
{
    struct result *r;
    bool ok = pg_query_filled(db, sql_capture_burden,
                              (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}}, &r, e);
    if (!ok)
        return false;
    *out = (struct burden){
        .delta_bytes = result_int(r, 0, 0),
        .holder = (int)known(r, 1),
        .holder_name = arena_strdup(a, result_text(r, 0, 2)),
        .holder_seconds = !result_null(r, 0, 3) ? strtod(result_text(r, 0, 3), NULL) : -1,
        .wal_written = result_int(r, 0, 4),
        .wal_not_archived = known(r, 5),
        .wal_of_slots = known(r, 6),
        .slot = arena_strdup(a, result_text(r, 0, 7)),
    };
    result_free(r);
    return true;
}
