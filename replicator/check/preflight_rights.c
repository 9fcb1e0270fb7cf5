/* Who may do what: repl's roles on both sides, policies that hide rows, and the application's other roles. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* ---- repl's role ---- */

static void check_create(struct look *l, enum side side, bool installed)
{
    const struct server_facts *f = &l->facts[side];
    if (!f->may_create && !installed)
        look_add(
            l, FINDING_BLOCKER, "privileges", side_name(side), "",
            arena_printf(l->a, "role %s may not create a schema in the database %s", f->role, f->database),
            arena_printf(l->a, "GRANT CREATE ON DATABASE %s TO %s", f->database, f->role));
}

static void check_sequences(struct look *l)
{
    const struct server_facts *f = &l->facts[SIDE_SOURCE];
    if (f->unreadable_sequences[0] != '\0')
        look_add(l, FINDING_WARNING, "privileges", "source", "",
                 arena_printf(l->a, "role %s may not read these sequences, so they will not follow: %s",
                              f->role, f->unreadable_sequences),
                 arena_printf(l->a, "GRANT SELECT ON SEQUENCE %s TO %s", f->unreadable_sequences, f->role));
}

static void check_source_table(struct look *l, const struct relation *r, const struct table_facts *f)
{
    const char *role = l->facts[SIDE_SOURCE].role;
    if (f->known && !f->owned)
        look_add(l, FINDING_BLOCKER, "privileges", "source", r->label,
                 arena_printf(l->a,
                              "role %s does not own the table, and only its owner may make repl's triggers "
                              "ENABLE ALWAYS",
                              role),
                 arena_printf(
                     l->a, "ALTER TABLE %s OWNER TO %s, or GRANT %s TO %s, or connect as %s, or --exclude %s",
                     r->sql, role, f->owner, role, f->owner, r->label));
    else if (f->known && !f->may_read)
        look_add(l, FINDING_BLOCKER, "privileges", "source", r->label,
                 arena_printf(l->a, "role %s may not read the table", role),
                 arena_printf(l->a, "GRANT SELECT ON %s TO %s (and USAGE on its schema)", r->sql, role));
}

static void check_target_table(struct look *l, const struct relation *r, const struct table_facts *f)
{
    const char *role = l->facts[SIDE_TARGET].role;
    if (f->known && !f->owned && (!f->may_read || !f->may_write))
        look_add(
            l, FINDING_BLOCKER, "privileges", "target", r->label,
            arena_printf(l->a, "role %s may not write the table", role),
            arena_printf(l->a, "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO %s", r->sql, role));
}

static bool check_replica_role(struct look *l, struct err *e)
{
    const char *role = l->facts[SIDE_TARGET].role;
    if (pg_exec(l->target, "BEGIN; SET LOCAL session_replication_role = replica; ROLLBACK", e))
        return true;
    pg_reset(l->target);
    if (!err_is(e, "42501"))
        return false;
    err_clear(e);
    look_add(
        l, FINDING_BLOCKER, "privileges", "target", "",
        arena_printf(l->a,
                     "role %s may not set session_replication_role, so foreign keys and triggers would fire "
                     "for replicated rows",
                     role),
        conn_server_version(l->target) >= 150000
            ? arena_printf(l->a,
                           "as a superuser: GRANT SET ON PARAMETER session_replication_role TO %s; on "
                           "Amazon RDS: GRANT rds_superuser TO %s",
                           role, role)
            : arena_printf(l->a, "connect as a superuser; on Amazon RDS: GRANT rds_superuser TO %s", role));
    return true;
}

bool step_privileges(struct look *l, enum side side, struct err *e)
{
    size_t before = l->out->count;
    const struct table_list *t = side == SIDE_SOURCE ? &l->on_source_tables : &l->there;
    check_create(l, side, side == SIDE_SOURCE ? l->capture.sync_id[0] != '\0' : l->state.exists);
    if (side == SIDE_SOURCE)
        check_sequences(l);
    else if (!check_replica_role(l, e))
        return false;
    for (size_t i = 0; i < t->count; i++)
        (side == SIDE_SOURCE ? check_source_table : check_target_table)(l, t->items[i], &t->facts[i]);
    if (l->out->count != before)
        return true;
    if (side == SIDE_SOURCE)
        look_ok(l, "privileges", "source", "role %s owns and reads every table, and may make repl's schema",
                l->facts[side].role);
    else
        look_ok(l, "privileges", "target",
                "role %s may make schemas, write every table that is there and set session_replication_role",
                l->facts[side].role);
    return true;
}

/* ---- row-level security ---- */

static void judge_policies(struct look *l, enum side side, const struct relation *r,
                           const struct table_facts *f)
{
    const char *role = l->facts[side].role;
    if (!f->known)
        return;
    if (side == SIDE_TARGET) {
        if (f->rows_hidden)
            look_add(l, FINDING_BLOCKER, "row-level security", "target", r->label,
                     "row-level security would hide rows from repl",
                     arena_printf(
                         l->a, "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, and ALTER TABLE %s OWNER TO %s",
                         r->sql, r->sql, role));
    } else if (f->owned && f->rows_hidden) {
        look_add(l, FINDING_BLOCKER, "row-level security", "source", r->label,
                 "row-level security is forced on the owner too, and would hide rows from repl",
                 arena_printf(l->a, "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY", r->sql));
    } else if (f->owned && r->row_security) {
        look_add(l, FINDING_WARNING, "row-level security", "source", r->label,
                 "row-level security is on: repl reads all rows as the owner; the policies go over",
                 arena_printf(l->a, "see with \\d %s that they name roles which mean the same on the target",
                              r->sql));
    }
}

bool step_row_security(struct look *l, enum side side, struct err *e)
{
    size_t before = l->out->count;
    const struct table_list *t = side == SIDE_SOURCE ? &l->on_source_tables : &l->there;
    (void)e;
    for (size_t i = 0; i < t->count; i++)
        judge_policies(l, side, t->items[i], &t->facts[i]);
    if (l->out->count == before && t->count != 0)
        look_ok(l, "row-level security", side_name(side), "no policy hides rows");
    return true;
}

/* ---- the application's roles ---- */

static void judge_grant(struct look *l, const struct result *r, int i)
{
    const char *role = result_text(r, i, 0), *kind = result_text(r, i, 2), *rights = result_text(r, i, 5);
    bool column = strcmp(kind, "COLUMN") == 0, table = column || strcmp(kind, "TABLE") == 0;
    const char *what = table
                           ? "this"
                           : arena_printf(l->a, "%s %s", strcmp(kind, "SCHEMA") == 0 ? "schema" : "sequence",
                                          result_text(r, i, 3));
    look_add(l, FINDING_WARNING, "grants", "target", table ? result_text(r, i, 3) : "",
             arena_printf(l->a, "role %s may use %s on the source (%s): grants and owners do not go over",
                          role, what, rights),
             arena_printf(l->a, "after init, on the target: GRANT %s ON %s %s TO %s", rights,
                          column ? "TABLE" : kind, result_text(r, i, 4), role));
}

/* Without its grants a function is everybody's, and one that is closed may well act as its owner. */
static bool judge_functions(struct look *l, struct err *e)
{
    struct result *r;
    const struct sql_var own[] = {{"own_schema", l->s->schema}, {NULL, NULL}};
    if (!pg_query_filled(l->source, sql_check_closed_functions, own, &r, e))
        return false;
    const char *closed = arena_strdup(l->a, result_text(r, 0, 0));
    result_free(r);
    if (!pg_query_filled(l->target, sql_check_open_functions,
                         (const struct sql_var[]){{"closed", closed}, {NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        const char *routine = result_text(r, i, 0), *roles = result_text(r, i, 1);
        look_add(l, FINDING_WARNING, "grants", "target", "",
                 arena_printf(l->a, "everybody may execute %s there; on the source it is closed to PUBLIC",
                              routine),
                 arena_printf(l->a,
                              "after init, on the target: REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC%s%s%s%s",
                              routine, roles[0] != '\0' ? "; GRANT EXECUTE ON ROUTINE " : "",
                              roles[0] != '\0' ? routine : "", roles[0] != '\0' ? " TO " : "", roles));
    }
    result_free(r);
    return true;
}

bool step_grants(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    size_t before = l->out->count;
    const struct sql_var own[] = {{"own_schema", l->s->schema}, {NULL, NULL}};
    (void)side;
    if (!pg_query_filled(l->source, sql_check_grants, own, &r, e))
        return false;
    const char *wanted = arena_strdup(l->a, result_text(r, 0, 0));
    result_free(r);
    if (!pg_query_filled(l->target, sql_check_grants_missing,
                         (const struct sql_var[]){{"wanted", wanted}, {NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) { /* in the order of roles */
        bool first = i == 0 || strcmp(result_text(r, i, 0), result_text(r, i - 1, 0)) != 0;
        if (first && !result_bool(r, i, 1))
            look_add(
                l, FINDING_WARNING, "grants", "target", "",
                arena_printf(l->a, "role %s, which owns or may use tables on the source, is not there",
                             result_text(r, i, 0)),
                arena_printf(l->a,
                             "on the target: CREATE ROLE %s LOGIN PASSWORD '...' (\\password sets it unseen)",
                             result_text(r, i, 0)));
        judge_grant(l, r, i);
    }
    result_free(r);
    if (!judge_functions(l, e))
        return false;
    if (l->out->count == before)
        look_ok(l, "grants", "target",
                "no other role uses the source's tables, or each may use the target's too");
    return true;
}
