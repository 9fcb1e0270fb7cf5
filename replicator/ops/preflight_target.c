#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "preflight.h"
#include "repl/embedded.h"

/* Tables asked for rows in one statement. */
enum { ROWS_STEP = 200 };

/* ---- the database ---- */

static void check_create(struct look *l)
{
    const struct server_facts *f = &l->on_target;
    if (!f->may_create && !l->state.exists)
        look_add(
            l, FINDING_BLOCKER, "privileges", "target", "",
            arena_printf(l->a, "role %s may not create a schema in the database %s", f->role, f->database),
            arena_printf(l->a, "GRANT CREATE ON DATABASE %s TO %s", f->database, f->role));
}

static bool check_replica_role(struct look *l, struct err *e)
{
    const char *role = l->on_target.role;
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

/* ---- tables that are there ---- */

const struct target_relation *target_relation_of(const struct target_state *state, const struct relation *r)
{
    for (size_t i = 0; i < state->nrelations; i++)
        if (strcmp(state->relations[i].name, r->name) == 0 &&
            strcmp(state->relations[i].schema, r->schema) == 0)
            return &state->relations[i];
    return NULL;
}

bool target_began(const struct target_state *state, const struct relation *r)
{
    const struct target_relation *t = target_relation_of(state, r);
    bool began = t != NULL && t->copied;
    for (size_t i = 0; t != NULL && !began && i < state->nchunks; i++)
        began = state->chunks[i].relation == t->id;
    return began;
}

static void check_there(struct look *l, const struct relation *r, const struct table_facts *f)
{
    struct relation *source = relations_find(&l->tables, r->schema, r->name);
    struct err differs;
    if (source != NULL && !catalog_compatible(source, r, &differs)) {
        snprintf(differs.side, sizeof differs.side, "target");
        finding_add_err(l->out, l->a, "columns", &differs);
    }
    if (!f->owned && (!f->may_read || !f->may_write))
        look_add(l, FINDING_BLOCKER, "privileges", "target", r->label,
                 arena_printf(l->a, "role %s may not write the table", l->on_target.role),
                 arena_printf(l->a, "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO %s", r->sql,
                              l->on_target.role));
    if (f->rows_hidden)
        look_add(l, FINDING_BLOCKER, "row-level security", "target", r->label,
                 "row-level security would hide rows from repl",
                 arena_printf(l->a,
                              "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, and ALTER TABLE %s OWNER TO %s",
                              r->sql, r->sql, l->on_target.role));
    if (f->always[0] != '\0')
        look_add(l, FINDING_WARNING, "triggers", "target", r->label,
                 arena_printf(l->a, "these fire for replicated rows too: %s", f->always),
                 arena_printf(l->a,
                              "ALTER TABLE %s ENABLE TRIGGER ... (or RULE ...), without ALWAYS and REPLICA",
                              r->sql));
}

static bool some_with_rows(struct conn *target, const struct relation *const *tables, size_t n,
                           const struct relation **out, size_t *count, struct err *e)
{
    struct buf sql = {0};
    struct result *r;
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%sSELECT %zu WHERE EXISTS (SELECT FROM %s)", i != 0 ? " UNION ALL " : "", i,
                   tables[i]->sql);
    bool ok = pg_query(target, sql.data, 0, NULL, &r, e);
    buf_free(&sql);
    if (!ok)
        return err_context(e, "looking for rows on the target");
    for (int i = 0; i < result_rows(r); i++)
        out[(*count)++] = tables[result_int(r, i, 0)];
    result_free(r);
    return true;
}

bool tables_with_rows(struct conn *target, const struct relation *const *tables, size_t n,
                      const struct relation **out, size_t *count, struct err *e)
{
    *count = 0;
    for (size_t i = 0; i < n; i += ROWS_STEP)
        if (!some_with_rows(target, tables + i, n - i < ROWS_STEP ? n - i : ROWS_STEP, out, count, e))
            return false;
    return true;
}

static const struct table_facts *facts_of(const struct table_facts *facts, size_t n, uint32_t oid,
                                          size_t near)
{
    for (size_t k = 0; k < n; k++)
        if (facts[(near + k) % n].oid == oid)
            return &facts[(near + k) % n];
    return NULL;
}

/* Rows are looked for where nobody said that they may be there, and where they may be read. */
static bool check_tables_there(struct look *l, const struct relation **there, size_t n, struct err *e)
{
    struct table_facts *facts;
    size_t nfacts, asked = 0;
    const struct relation **ask_rows = arena_alloc(l->a, (n + 1) * sizeof(struct relation *));
    if (!read_table_facts(l, l->target, there, n, &facts, &nfacts, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct table_facts *f = facts_of(facts, nfacts, there[i]->oid, i);
        if (f == NULL)
            continue;
        check_there(l, there[i], f);
        if (!l->s->overwrite && !target_began(&l->state, there[i]) && f->may_read && !f->rows_hidden)
            ask_rows[asked++] = there[i];
    }
    const struct relation **full = arena_alloc(l->a, (asked + 1) * sizeof(struct relation *));
    if (!tables_with_rows(l->target, ask_rows, asked, full, &asked, e))
        return false;
    for (size_t i = 0; i < asked; i++)
        look_add(
            l, FINDING_BLOCKER, "rows", "target", full[i]->label, "the table holds rows already",
            arena_printf(l->a, "TRUNCATE %s, or give --overwrite: repl init then empties it", full[i]->sql));
    return true;
}

static bool check_tables(struct look *l, struct err *e)
{
    size_t n = 0;
    const struct relation **there = arena_alloc(l->a, (l->tables.count + 1) * sizeof(struct relation *));
    if (!catalog_read(l->target, l->s->schema, l->a, &l->target_tables, e))
        return false;
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *r = &l->tables.items[i];
        const struct relation *t = relations_find(&l->target_tables, r->schema, r->name);
        if (t != NULL)
            there[n++] = t;
        else if (l->s->no_schema)
            look_add(
                l, FINDING_BLOCKER, "tables", "target", r->label, "the table is not there",
                "make it (run the application's migrations), leave --no-schema out, or --exclude the table");
    }
    return check_tables_there(l, there, n, e);
}

bool preflight_target(struct look *l, struct err *e)
{
    check_create(l);
    return check_replica_role(l, e) && check_tables(l, e) && preflight_schema(l, e);
}
