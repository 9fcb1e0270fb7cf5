#include "repl/embedded.h"

#include <string.h>

#include "restore.h"
#include "unit.h"

/* The row of a view; -1: it is not there. */
static int row_of(const struct result *views, const char *schema, const char *name)
{
    for (int i = 0; i < result_rows(views); i++)
        if (strcmp(result_text(views, i, 0), schema) == 0 && strcmp(result_text(views, i, 1), name) == 0)
            return i;
    return -1;
}

static void add_view(struct restore *r, struct units *u, int stage, const struct result *there, int row,
                     bool analyze)
{
    const char *label = arena_printf(r->a, "%s.%s", result_text(there, row, 0), result_text(there, row, 1));
    const char *sql = result_text(there, row, 2);
    struct unit *unit =
        analyze ? unit_add(u, r->a, UNIT_ANALYZE, stage, arena_printf(r->a, "statistics of %s", label),
                           arena_printf(r->a, "ANALYZE %s", sql))
                : unit_add(u, r->a, UNIT_REFRESH, stage + (int)result_int(there, row, 4),
                           arena_printf(r->a, "materialized view %s", label),
                           arena_printf(r->a, "REFRESH MATERIALIZED VIEW %s", sql));
    unit->table = label;
}

/* What reads what, the source says: when this is asked, some of the target's views may be stand-ins still. */
bool matviews_add(struct restore *r, struct units *u, int stage, bool analyze, struct err *e)
{
    const struct sql_var vars[] = {{"own_schema", r->s->schema}, {NULL, NULL}};
    struct result *there = NULL, *here = NULL;
    bool ok = pg_query_filled(r->source, sql_schema_matviews, vars, &there, e) &&
              pg_query_filled(r->target, sql_schema_matviews, vars, &here, e);
    for (int row = 0; ok && row < result_rows(there); row++) {
        int own = row_of(here, result_text(there, row, 0), result_text(there, row, 1));
        if (own >= 0 && result_bool(there, row, 3) && (!analyze || result_bool(here, own, 3)))
            add_view(r, u, stage, there, row, analyze);
    }
    result_free(there);
    result_free(here);
    return ok;
}

bool units_matviews(const struct units_wanted *w, struct arena *a, struct units *out, struct err *e)
{
    struct restore r;
    *out = (struct units){0};
    if (!restore_begin(&r, w, false, a, e))
        return false;
    restore_limits_of(&r, out);
    bool ok = matviews_add(&r, out, 0, false, e);
    units_sort(out);
    restore_end(&r);
    return ok;
}
