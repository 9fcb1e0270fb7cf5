/* Functions of the application that would not find what they name while rows are written or indexes are made on the target. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* From here on the server makes indexes, statistics and views under pg_catalog alone, whatever the session has. */
enum { MAINTENANCE_HAS_NO_PATH = 170000, EVALUATION_MS = 5000 };

struct expression {
    const char *schema, *table, *what, *text, *from, *row, *functions;
    bool bare;
};

static struct expression expression_of(const struct result *r, int i)
{
    return (struct expression){
        .schema = result_text(r, i, 0),
        .table = result_text(r, i, 1),
        .what = result_text(r, i, 2),
        .bare = result_bool(r, i, 3),
        .text = result_text(r, i, 4),
        .from = result_text(r, i, 5),
        .row = result_text(r, i, 6),
        .functions = result_text(r, i, 7),
    };
}

/* Evaluates it for one row, or for a row of nulls, as the server will. *missing: what is not found; NULL: nothing. Any other
 * error is the rows' affair, and the source lives with it. */
static bool evaluate(struct look *l, const struct expression *x, const char *path, const char **missing,
                     struct err *e)
{
    struct result *r = NULL;
    struct err why;
    *missing = NULL;
    const char *sql = arena_printf(
        l->a, "SELECT %s FROM (SELECT) one LEFT JOIN LATERAL (SELECT * FROM %s LIMIT 1) %s ON true", x->text,
        x->from, x->row);
    if (!pg_exec(l->source,
                 arena_printf(l->a, "BEGIN READ ONLY; SET LOCAL statement_timeout = %d", EVALUATION_MS), e))
        return false;
    bool ok = search_path_query(l->source, path, sql, &r, &why);
    result_free(r);
    pg_reset(l->source);
    if (ok || !search_path_misses_a_name(&why))
        return conn_usable(l->source) ||
               err_set(e, ERR_CONN, "the source was lost at %s of %s.%s", x->what, x->schema, x->table);
    *missing = arena_strdup(l->a, why.text);
    return true;
}

static void tell(struct look *l, const struct expression *x, const char *missing, const char *where,
                 const char *path)
{
    look_add(l, FINDING_BLOCKER, "functions", "source", arena_printf(l->a, "%s.%s", x->schema, x->table),
             arena_printf(l->a, "%s relies on search_path: %s: %s", x->what, where, missing),
             arena_printf(l->a, "on the source: ALTER FUNCTION %s SET search_path = %s", x->functions, path));
}

static bool judge(struct look *l, const struct expression *x, const char *path, struct err *e)
{
    const char *missing;
    const bool later =
        x->bare && l->target != NULL && conn_server_version(l->target) >= MAINTENANCE_HAS_NO_PATH;
    if (!evaluate(l, x, path, &missing, e))
        return false;
    if (missing != NULL) {
        tell(l, x, missing, "under the path that sessions have by default",
             arena_printf(l->a, "%s, and the schema that has it", path));
        return true;
    }
    if (later && !evaluate(l, x, "pg_catalog, pg_temp", &missing, e))
        return false;
    if (missing != NULL)
        tell(l, x, missing, "the target's server, from PostgreSQL 17 on, makes it without one", path);
    return true;
}

static char *list_oids(struct look *l)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < l->tables.count; i++)
        buf_printf(&b, "%s%u", i != 0 ? "," : "", l->tables.items[i].oid);
    buf_puts(&b, "}");
    return buf_take(l->a, &b);
}

bool step_functions(struct look *l, enum side side, struct err *e)
{
    (void)side;
    struct result *r;
    char *path = NULL;
    size_t before = l->out->count;
    const struct sql_var vars[] = {{"oids", list_oids(l)}, {NULL, NULL}};
    if (!catalog_search_path(l->source, &path, e) ||
        !pg_query_filled(l->source, sql_check_expressions, vars, &r, e)) {
        free(path);
        return false;
    }
    bool ok = true;
    for (int i = 0; ok && i < result_rows(r); i++) {
        const struct expression x = expression_of(r, i);
        ok = judge(l, &x, path, e);
    }
    if (ok && l->out->count == before)
        look_ok(l, "functions", "source",
                "what columns, checks, domains and indexes call finds what it names");
    result_free(r);
    free(path);
    return ok;
}
