/* What the target has before the rows come, and the application may rely on. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"
#include "repl/schema.h"

/* Functions and the application may name things of heroku_ext without their schema. */
bool step_search_path(struct look *l, enum side side, struct err *e)
{
    (void)side;
    char *from = NULL, *to = NULL;
    bool ok = schema_search_path(l->source, &from, e) && schema_search_path(l->target, &to, e);
    if (ok && strcmp(from, to) != 0)
        look_add(l, FINDING_WARNING, "search path", "target", "",
                 arena_printf(l->a, "search_path is %s there, %s on the source", to, from),
                 arena_printf(l->a, "if the application counts on it: ALTER DATABASE %s SET search_path = %s",
                              l->facts[SIDE_TARGET].database, from));
    else if (ok)
        look_ok(l, "search path", "target", "search_path is that of the source: %s", to);
    free(from);
    free(to);
    return ok;
}

/* ---- a target that has its tables ---- */

static char *oids_of_tables_before(struct look *l)
{
    const char *comma = "";
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *t =
            relations_find(&l->target_tables, l->tables.items[i].schema, l->tables.items[i].name);
        if (t == NULL || target_began(&l->state, &l->tables.items[i]))
            continue;
        buf_printf(&b, "%s%u", comma, t->oid);
        comma = ",";
    }
    buf_puts(&b, "}");
    return buf_take(l->a, &b);
}

static void tell_indexes_before(struct look *l, const struct result *r)
{
    long long tables = (long long)result_int(r, 0, 0), indexes = (long long)result_int(r, 0, 1);
    long long keys = (long long)result_int(r, 0, 3), triggers = (long long)result_int(r, 0, 4);
    if (indexes + keys + triggers == 0)
        look_ok(l, "tables with indexes", "target", "none: indexes are built after the rows");
    else
        look_add(
            l, FINDING_WARNING, "tables with indexes", "target", "",
            arena_printf(
                l->a,
                "the target's tables have their indexes already (%lld on %lld tables: %s%s; and %lld foreign "
                "keys, %lld triggers). Rows that are copied into indexed tables take several times as long "
                "as "
                "rows whose indexes are built afterwards",
                indexes, tables, result_text(r, 0, 2), indexes > 20 ? ", ..." : "", keys, triggers),
            l->state.exists
                ? "where repl made the tables: repl init --recreate drops them and begins again; else DROP "
                  "INDEX the "
                  "secondary ones of large tables before repl start, and make them in phase following"
                : "begin with an empty target, or DROP INDEX the secondary ones of large tables before repl "
                  "start, and "
                  "make them in phase following");
    if (result_text(r, 0, 5)[0] != '\0')
        look_add(l, FINDING_WARNING, "tables with indexes", "target", "",
                 arena_printf(l->a,
                              "role %s does not own these tables, so that its ANALYZE passes over them: %s",
                              l->facts[SIDE_TARGET].role, result_text(r, 0, 5)),
                 "as their owner, once phase following is reached: ANALYZE");
}

bool step_indexes_before(struct look *l, enum side side, struct err *e)
{
    (void)side;
    struct result *r;
    const struct sql_var vars[] = {{"oids", oids_of_tables_before(l)}, {NULL, NULL}};
    if (!pg_query_filled(l->target, sql_check_indexes_before, vars, &r, e))
        return false;
    tell_indexes_before(l, r);
    result_free(r);
    return true;
}
