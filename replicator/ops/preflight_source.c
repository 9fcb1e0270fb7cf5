#include <string.h>

#include "preflight.h"

/* ---- the database ---- */

static void check_privileges(struct look *l)
{
    const struct server_facts *f = &l->on_source;
    if (!f->may_create && l->capture.sync_id[0] == '\0')
        look_add(
            l, FINDING_BLOCKER, "privileges", "source", "",
            arena_printf(l->a, "role %s may not create a schema in the database %s", f->role, f->database),
            arena_printf(l->a, "GRANT CREATE ON DATABASE %s TO %s", f->database, f->role));
    if (f->unreadable_sequences[0] != '\0')
        look_add(l, FINDING_WARNING, "privileges", "source", "",
                 arena_printf(l->a, "role %s may not read these sequences, so they will not follow: %s",
                              f->role, f->unreadable_sequences),
                 arena_printf(l->a, "GRANT SELECT ON SEQUENCE %s TO %s", f->unreadable_sequences, f->role));
}

static void check_left_behind(struct look *l)
{
    const struct server_facts *f = &l->on_source;
    if (f->large_objects > 0)
        look_add(
            l, FINDING_WARNING, "large objects", "source", "",
            arena_printf(
                l->a,
                "there are large objects (%lld): triggers cannot see them change, so they are not replicated",
                (long long)f->large_objects),
            "copy them when the application is stopped: pg_dump --large-objects --data-only, or lo_export");
    if (f->foreign_tables > 0)
        look_add(l, FINDING_WARNING, "foreign tables", "source", "",
                 arena_printf(
                     l->a,
                     "there are foreign tables (%lld): their definition goes over, their rows are elsewhere",
                     (long long)f->foreign_tables),
                 "check that the target reaches their servers, and CREATE USER MAPPING there");
    if (f->event_triggers > 0)
        look_add(l, FINDING_WARNING, "event triggers", "source", "",
                 arena_printf(l->a, "event triggers (%lld) do not go over: making one needs a superuser",
                              (long long)f->event_triggers),
                 "CREATE EVENT TRIGGER on the target yourself, where you want them");
    if (f->max_prepared > 0)
        look_add(l, FINDING_WARNING, "prepared transactions", "source", "",
                 "max_prepared_transactions is above 0: a transaction that rings repl's doorbell cannot be "
                 "prepared "
                 "(PREPARE TRANSACTION fails after NOTIFY)",
                 "if the application uses two-phase commit, do not run repl with it; otherwise set "
                 "max_prepared_transactions = 0");
}

/* ---- the tables ---- */

static bool select_tables(struct look *l, struct err *e)
{
    struct err wrong;
    if (!catalog_read(l->source, l->s->schema, l->a, &l->tables, e))
        return err_is(e, "55P03") ? err_hint(e, "somebody holds a lock on a table: try again when it is gone")
                                  : false;
    bool named = selection_check(&l->s->selection, &l->tables, &wrong);
    selection_apply(&l->s->selection, &l->tables);
    if (!named)
        finding_add_err(l->out, l->a, "tables", &wrong);
    else if (l->tables.count == 0)
        look_add(l, FINDING_BLOCKER, "tables", "source", "", "there is no table to replicate",
                 "check --tables and --exclude, and that --source names the right database");
    return true;
}

static void check_rights(struct look *l, const struct relation *r, const struct table_facts *f)
{
    const char *role = l->on_source.role;
    if (!f->owned)
        look_add(l, FINDING_BLOCKER, "privileges", "source", r->label,
                 arena_printf(l->a,
                              "role %s does not own the table, and only its owner may make repl's triggers "
                              "ENABLE ALWAYS",
                              role),
                 arena_printf(
                     l->a, "ALTER TABLE %s OWNER TO %s, or GRANT %s TO %s, or connect as %s, or --exclude %s",
                     r->sql, role, f->owner, role, f->owner, r->label));
    else if (!f->may_read)
        look_add(l, FINDING_BLOCKER, "privileges", "source", r->label,
                 arena_printf(l->a, "role %s may not read the table", role),
                 arena_printf(l->a, "GRANT SELECT ON %s TO %s (and USAGE on its schema)", r->sql, role));
    else if (f->rows_hidden)
        look_add(l, FINDING_BLOCKER, "row-level security", "source", r->label,
                 "row-level security is forced on the owner too, and would hide rows from repl",
                 arena_printf(l->a, "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY", r->sql));
    else if (r->row_security)
        look_add(l, FINDING_WARNING, "row-level security", "source", r->label,
                 "row-level security is on: repl reads all rows as the owner; the policies go over",
                 arena_printf(l->a, "see with \\d %s that they name roles which mean the same on the target",
                              r->sql));
}

static void check_kind(struct look *l, const struct relation *r, const struct table_facts *f)
{
    if (r->key_kind == KEY_NONE)
        look_add(
            l, FINDING_WARNING, "key", "source", r->label,
            "no primary key and no unique index over NOT NULL columns: whenever it was written, the whole "
            "table "
            "is copied again",
            arena_printf(l->a, "ALTER TABLE %s ADD PRIMARY KEY (...), or --exclude %s", r->sql, r->label));
    if (r->unlogged)
        look_add(l, FINDING_WARNING, "unlogged", "source", r->label,
                 "an unlogged table is empty after its server crashed, and that is not replicated",
                 arena_printf(l->a, "ALTER TABLE %s SET LOGGED, or --exclude %s", r->sql, r->label));
    if (f->foreign_partitions[0] != '\0')
        look_add(l, FINDING_WARNING, "foreign tables", "source", r->label,
                 arena_printf(l->a, "partitions that are foreign tables are not replicated: %s",
                              f->foreign_partitions),
                 "move their rows into a partition of this server, or leave them where they are");
}

static bool check_tables(struct look *l, struct err *e)
{
    struct table_facts *facts;
    size_t n, bare = 0;
    const struct relation **list = arena_alloc(l->a, (l->tables.count + 1) * sizeof(struct relation *));
    for (size_t i = 0; i < l->tables.count; i++)
        list[i] = &l->tables.items[i];
    if (!read_table_facts(l, l->source, list, l->tables.count, &facts, &n, e))
        return false;
    for (size_t i = 0; i < l->tables.count; i++)
        for (size_t k = 0; k < n; k++) {
            const struct table_facts *f =
                &facts[(i + k) % n]; /* nearly always the first: both are in order */
            if (f->oid != l->tables.items[i].oid)
                continue;
            check_rights(l, &l->tables.items[i], f);
            check_kind(l, &l->tables.items[i], f);
            break;
        }
    for (size_t i = 0; i < l->tables.count; i++)
        bare += l->tables.items[i].key_kind == KEY_NONE;
    look_add(l, FINDING_OK, "tables", "source", "",
             arena_printf(l->a, "tables to replicate: %zu, without a key: %zu", l->tables.count, bare), NULL);
    return true;
}

bool preflight_source(struct look *l, struct err *e)
{
    check_privileges(l);
    check_left_behind(l);
    return select_tables(l, e) && check_tables(l, e);
}
