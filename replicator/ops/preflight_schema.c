/* What the schema needs on the target: tools to bring it, extensions, roles, rights. */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "preflight.h"
#include "repl/embedded.h"
#include "tools.h"

/* pg_restore sends settings of its own version; from this one on an older target refuses one of them. */
enum { TRANSACTION_TIMEOUT = 17 };

/* ---- the tools ---- */

bool step_tools(struct look *l, enum side side, struct err *e)
{
    (void)side;
    (void)e;
    if (l->s->no_schema)
        return true;
    struct tools t;
    struct err missing;
    int to = conn_server_version(l->target) / 10000;
    if (!tools_find(conn_server_version(l->source), conn_server_version(l->target), &t, &missing)) {
        finding_add_err(l->out, l->a, "pg_dump", &missing);
        return true;
    }
    if (t.major >= TRANSACTION_TIMEOUT && to < TRANSACTION_TIMEOUT)
        look_add(
            l, FINDING_BLOCKER, "pg_dump", "target", "",
            arena_printf(l->a, "pg_restore %d, which is needed here, cannot restore into PostgreSQL %d",
                         t.major, to),
            arena_printf(l->a,
                         "install postgresql-client-%d where that is enough, take a target of PostgreSQL %d "
                         "or newer, or make the tables yourself and give --no-schema",
                         to, TRANSACTION_TIMEOUT));
    else
        look_add(l, FINDING_OK, "pg_dump", "", "", arena_printf(l->a, "%s", t.pg_dump), NULL);
    tools_free(&t);
    return true;
}

/* ---- what the schema needs there ---- */

static int row_of(const struct result *r, const char *name)
{
    for (int i = 0; i < result_rows(r); i++)
        if (strcmp(result_text(r, i, 0), name) == 0)
            return i;
    return -1;
}

static void check_extension(struct look *l, const struct result *from, int i, const struct result *to)
{
    const char *name = result_text(from, i, 0), *schema = result_text(from, i, 2);
    int k = row_of(to, name);
    if (k < 0 || (result_null(to, k, 1) && result_null(to, k, 3)))
        look_add(l, FINDING_BLOCKER, "extension", "target", "",
                 arena_printf(l->a, "the extension %s %s of the source is not available there", name,
                              result_text(from, i, 1)),
                 arena_printf(l->a,
                              "install it on the target's server, or, if nothing needs it, on the source: "
                              "DROP EXTENSION \"%s\"",
                              name));
    else if (!result_null(to, k, 1) && strcmp(result_text(to, k, 2), schema) != 0)
        look_add(l, FINDING_BLOCKER, "extension", "target", "",
                 arena_printf(l->a, "the extension %s stands in schema %s, on the source in %s", name,
                              result_text(to, k, 2), schema),
                 arena_printf(l->a,
                              "on the target: CREATE SCHEMA IF NOT EXISTS \"%s\"; ALTER EXTENSION \"%s\" SET "
                              "SCHEMA \"%s\"",
                              schema, name, schema));
    else if (result_null(to, k, 1) && !result_bool(to, k, 4))
        look_add(
            l, FINDING_WARNING, "extension", "target", "",
            arena_printf(l->a, "creating the extension %s takes rights that role %s may not have", name,
                         l->facts[SIDE_TARGET].role),
            arena_printf(l->a,
                         "as a role that may (on Amazon RDS a member of rds_superuser): CREATE SCHEMA IF "
                         "NOT EXISTS \"%s\"; CREATE EXTENSION \"%s\" SCHEMA \"%s\"",
                         schema, name, schema));
    else if (strcmp(result_text(to, k, result_null(to, k, 1) ? 3 : 1), result_text(from, i, 1)) != 0)
        look_add(l, FINDING_WARNING, "extension", "target", "",
                 arena_printf(l->a, "the extension %s has version %s there, %s on the source", name,
                              result_text(to, k, result_null(to, k, 1) ? 3 : 1), result_text(from, i, 1)),
                 arena_printf(l->a,
                              "if the difference matters: ALTER EXTENSION \"%s\" UPDATE on the older side",
                              name));
}

bool step_extensions(struct look *l, enum side side, struct err *e)
{
    size_t before = l->out->count;
    const struct sql_var none[] = {{NULL, NULL}};
    struct result *from = NULL, *to = NULL;
    (void)side;
    if (l->s->no_schema)
        return true;
    bool ok = ask(l->source, sql_ops_extensions, none, &from, e) &&
              ask(l->target, sql_ops_extensions, none, &to, e);
    for (int i = 0; ok && i < result_rows(from); i++)
        if (!result_null(from, i, 1))
            check_extension(l, from, i, to);
    result_free(from);
    result_free(to);
    if (ok && l->out->count == before)
        look_ok(l, "extension", "target", "every extension of the source is there or can be made");
    return ok;
}

bool step_policy_roles(struct look *l, enum side side, struct err *e)
{
    struct result *missing;
    char *roles;
    (void)side;
    if (l->s->no_schema)
        return true;
    if (!pg_value(l->source, sql_ops_policy_roles, 0, NULL, &roles, e))
        return false;
    const struct sql_var vars[] = {{"roles", roles}, {NULL, NULL}};
    bool ok = ask(l->target, sql_ops_missing_roles, vars, &missing, e);
    free(roles);
    for (int i = 0; ok && i < result_rows(missing); i++)
        look_add(l, FINDING_BLOCKER, "policy roles", "target", "",
                 arena_printf(l->a, "a policy of the source is for the role %s, which is not there",
                              result_text(missing, i, 0)),
                 arena_printf(l->a, "on the target: CREATE ROLE %s", result_text(missing, i, 0)));
    if (ok)
        result_free(missing);
    return ok;
}

/* Where tables must be made in a schema that is there but closed to this role. */
bool step_schemas(struct look *l, enum side side, struct err *e)
{
    struct result *closed;
    (void)side;
    if (l->s->no_schema)
        return true;
    if (!ask(l->target, sql_ops_closed_schemas, (const struct sql_var[]){{NULL, NULL}}, &closed, e))
        return false;
    for (int i = 0; i < result_rows(closed); i++)
        for (size_t t = 0; t < l->tables.count; t++) {
            const struct relation *r = &l->tables.items[t];
            if (strcmp(r->schema, result_text(closed, i, 0)) != 0 ||
                relations_find(&l->target_tables, r->schema, r->name) != NULL)
                continue;
            look_add(l, FINDING_BLOCKER, "target schemas", "target", "",
                     arena_printf(l->a, "role %s may not make tables in schema %s",
                                  l->facts[SIDE_TARGET].role, r->schema),
                     arena_printf(l->a, "GRANT CREATE, USAGE ON SCHEMA %s TO %s", result_text(closed, i, 1),
                                  l->facts[SIDE_TARGET].role));
            break;
        }
    result_free(closed);
    return true;
}
