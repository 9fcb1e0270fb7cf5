/* What the schema needs on the target: tools to bring it, extensions, roles, rights. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"
#include "repl/schema.h"

/* ---- the tools ---- */

bool step_tools(struct look *l, enum side side, struct err *e)
{
    (void)side;
    (void)e;
    if (l->s->no_schema)
        return true;
    struct tools t;
    struct err missing;
    if (!tools_find(conn_server_version(l->source), conn_server_version(l->target), &t, &missing)) {
        finding_add_err(l->out, l->a, "pg_dump", &missing);
        return true;
    }
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

/* A row of extensions.sql of the target, with what the source has installed. */
struct offer {
    const char *name, *version, *schema; /* of the source */
    bool known, installed, may_install, allowed, same_offered;
    const char *there, *there_schema; /* version that is there, or that would come */
};

static bool holds(const char *array, const char *version)
{
    bool found = false;
    char *save = NULL, *copy = xstrdup(array);
    for (char *v = strtok_r(copy, "{},\"", &save); v != NULL && !found; v = strtok_r(NULL, "{},\"", &save))
        found = strcmp(v, version) == 0;
    free(copy);
    return found;
}

static struct offer offer_of(const struct result *from, int i, const struct result *to)
{
    struct offer o = {.name = result_text(from, i, 0),
                      .version = result_text(from, i, 1),
                      .schema = result_text(from, i, 2)};
    int k = row_of(to, o.name);
    if (k < 0)
        return o;
    o.installed = !result_null(to, k, 1);
    o.known = o.installed || !result_null(to, k, 3);
    o.there = result_text(to, k, o.installed ? 1 : 3);
    o.there_schema = result_text(to, k, 2);
    o.may_install = result_bool(to, k, 4);
    o.allowed = result_bool(to, k, 5);
    o.same_offered = holds(result_text(to, k, 6), o.version);
    return o;
}

static void refuse_extension(struct look *l, const struct offer *o)
{
    if (!o->known)
        look_add(l, FINDING_BLOCKER, "extension", "target", "",
                 arena_printf(l->a, "the extension %s %s of the source is not available there", o->name,
                              o->version),
                 arena_printf(l->a,
                              "install it on the target's server, or, if nothing needs it, on the source: "
                              "DROP EXTENSION \"%s\"",
                              o->name));
    else
        look_add(l, FINDING_BLOCKER, "extension", "target", "",
                 arena_printf(l->a, "rds.allowed_extensions does not name the extension %s of the source",
                              o->name),
                 arena_printf(l->a,
                              "add %s to rds.allowed_extensions in the instance's parameter group, or, if "
                              "nothing needs it, on the source: DROP EXTENSION \"%s\"",
                              o->name, o->name));
}

/* It comes, or has come, in another version than the source's. */
static void tell_version(struct look *l, const struct offer *o)
{
    const char *hint =
        !o->same_offered ? "look into its release notes whether the difference matters"
        : o->installed
            ? arena_printf(l->a, "if it matters, on the older side: ALTER EXTENSION \"%s\" UPDATE", o->name)
            : arena_printf(l->a,
                           "to have the source's, beforehand on the target: CREATE SCHEMA IF NOT EXISTS "
                           "\"%s\"; CREATE EXTENSION \"%s\" SCHEMA \"%s\" VERSION '%s'",
                           o->schema, o->name, o->schema, o->version);
    look_add(l, FINDING_WARNING, "extension", "target", "",
             arena_printf(l->a, "the extension %s has version %s there, %s on the source", o->name, o->there,
                          o->version),
             hint);
}

static void check_extension(struct look *l, const struct result *from, int i, const struct result *to)
{
    const struct offer o = offer_of(from, i, to);
    if (!o.known || (!o.installed && !o.allowed)) {
        refuse_extension(l, &o);
        return;
    }
    if (o.installed && strcmp(o.there_schema, o.schema) != 0)
        look_add(l, FINDING_BLOCKER, "extension", "target", "",
                 arena_printf(l->a, "the extension %s stands in schema %s, on the source in %s", o.name,
                              o.there_schema, o.schema),
                 arena_printf(l->a,
                              "on the target: CREATE SCHEMA IF NOT EXISTS \"%s\"; ALTER EXTENSION \"%s\" SET "
                              "SCHEMA \"%s\"",
                              o.schema, o.name, o.schema));
    if (!o.installed && !o.may_install)
        look_add(
            l, FINDING_WARNING, "extension", "target", "",
            arena_printf(l->a, "creating the extension %s takes rights that role %s may not have", o.name,
                         l->facts[SIDE_TARGET].role),
            arena_printf(l->a,
                         "as a role that may (on Amazon RDS a member of rds_superuser): CREATE SCHEMA IF "
                         "NOT EXISTS \"%s\"; CREATE EXTENSION \"%s\" SCHEMA \"%s\"",
                         o.schema, o.name, o.schema));
    if (strcmp(o.there, o.version) != 0)
        tell_version(l, &o);
}

bool step_extensions(struct look *l, enum side side, struct err *e)
{
    size_t before = l->out->count;
    const struct sql_var none[] = {{NULL, NULL}};
    struct result *from = NULL, *to = NULL;
    (void)side;
    if (l->s->no_schema)
        return true;
    bool ok = pg_query_filled(l->source, sql_check_extensions, none, &from, e) &&
              pg_query_filled(l->target, sql_check_extensions, none, &to, e);
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
    if (!pg_value(l->source, sql_check_policy_roles, 0, NULL, &roles, e))
        return false;
    const struct sql_var vars[] = {{"roles", roles}, {NULL, NULL}};
    bool ok = pg_query_filled(l->target, sql_check_missing_roles, vars, &missing, e);
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
    if (!pg_query_filled(l->target, sql_check_closed_schemas, (const struct sql_var[]){{NULL, NULL}}, &closed,
                         e))
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
