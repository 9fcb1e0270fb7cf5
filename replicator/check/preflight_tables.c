/* The source's tables: what there is to replicate, and what of it does not come over as it is. */
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* ---- facts ---- */

/* The facts come in another order, and a table may have gone meanwhile. */
bool read_table_facts(struct look *l, struct conn *c, struct relation *const *tables, size_t n,
                      const struct table_facts **out, struct err *e)
{
    struct buf oids = {0};
    struct result *r;
    struct table_facts *facts = arena_alloc(l->a, (n + 1) * sizeof *facts);
    buf_puts(&oids, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(&oids, "%s%u", i != 0 ? "," : "", tables[i]->oid);
    buf_puts(&oids, "}");
    const struct sql_var vars[] = {{"oids", oids.data}, {"own_schema", l->s->schema}, {NULL, NULL}};
    bool ok = pg_query_filled(c, sql_check_table_facts, vars, &r, e);
    buf_free(&oids);
    if (!ok)
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        size_t at = (size_t)result_int(r, i, 0) - 1;
        facts[at] = (struct table_facts){.known = true,
                                         .owned = result_bool(r, i, 1),
                                         .owner = arena_strdup(l->a, result_text(r, i, 2)),
                                         .may_read = result_bool(r, i, 3),
                                         .may_write = result_bool(r, i, 4),
                                         .rows_hidden = result_bool(r, i, 5),
                                         .always = arena_strdup(l->a, result_text(r, i, 6)),
                                         .replica = arena_strdup(l->a, result_text(r, i, 7)),
                                         .foreign_partitions = arena_strdup(l->a, result_text(r, i, 8))};
    }
    result_free(r);
    *out = facts;
    return true;
}

bool step_tables(struct look *l, enum side side, struct err *e)
{
    struct err wrong;
    (void)side;
    if (!catalog_read(l->source, l->s->schema, l->a, &l->tables, e)) {
        l->tables.count = 0;
        return err_is(e, "55P03") ? err_hint(e, "somebody holds a lock on a table: try again when it is gone")
                                  : false;
    }
    if (!capture_number(l->source, &l->capture, &l->tables, l->a, e))
        return false;
    bool named = selection_check(&l->s->selection, &l->tables, &wrong);
    selection_apply(&l->s->selection, &l->tables);
    if (!named)
        finding_add_err(l->out, l->a, "tables", &wrong);
    else if (l->tables.count == 0)
        look_add(l, FINDING_BLOCKER, "tables", "source", "", "there is no table to replicate",
                 "check --tables and --exclude, and that --source names the right database");
    struct relation **items = arena_alloc(l->a, (l->tables.count + 1) * sizeof(struct relation *));
    for (size_t i = 0; i < l->tables.count; i++)
        items[i] = &l->tables.items[i];
    l->on_source_tables.items = items;
    if (!read_table_facts(l, l->source, items, l->tables.count, &l->on_source_tables.facts, e))
        return false;
    l->on_source_tables.count = l->tables.count;
    if (l->tables.count != 0)
        look_ok(l, "tables", "source", "tables to replicate: %zu", l->tables.count);
    return true;
}

/* ---- what to know of them ---- */

bool step_keys(struct look *l, enum side side, struct err *e)
{
    size_t bare = 0;
    (void)side;
    (void)e;
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *r = &l->tables.items[i];
        if (r->key_kind != KEY_NONE)
            continue;
        bare++;
        look_add(
            l, FINDING_WARNING, "key", "source", r->label,
            "no primary key and no unique index over NOT NULL columns: whenever it was written, the whole "
            "table is copied again",
            arena_printf(l->a, "ALTER TABLE %s ADD PRIMARY KEY (...), or --exclude %s", r->sql, r->label));
    }
    if (bare == 0 && l->tables.count != 0)
        look_ok(l, "key", "source", "every table has a key");
    return true;
}

bool step_columns_source(struct look *l, enum side side, struct err *e)
{
    size_t generated = 0, identity = 0, text = 0;
    (void)side;
    (void)e;
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *r = &l->tables.items[i];
        text += !relation_binary(r);
        for (size_t k = 0; k < r->ncolumns; k++) {
            generated += r->columns[k].generated;
            identity += r->columns[k].identity_always;
        }
    }
    if (generated != 0)
        look_ok(l, "columns", "source", "%zu generated: not copied, the target computes them", generated);
    if (identity != 0)
        look_ok(l, "columns", "source", "%zu GENERATED ALWAYS AS IDENTITY: the source's values are kept",
                identity);
    if (text != 0)
        look_ok(l, "columns", "source",
                "tables copied as text, since a type of theirs has no binary form that is the same "
                "everywhere: %zu",
                text);
    return true;
}

bool step_unlogged(struct look *l, enum side side, struct err *e)
{
    (void)side;
    (void)e;
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *r = &l->tables.items[i];
        if (r->unlogged)
            look_add(l, FINDING_WARNING, "unlogged", "source", r->label,
                     "an unlogged table is empty after its server crashed, and that is not replicated",
                     arena_printf(l->a, "ALTER TABLE %s SET LOGGED, or --exclude %s", r->sql, r->label));
    }
    return true;
}

bool step_foreign_tables(struct look *l, enum side side, struct err *e)
{
    const struct server_facts *f = &l->facts[SIDE_SOURCE];
    (void)side;
    (void)e;
    if (f->foreign_tables > 0)
        look_add(l, FINDING_WARNING, "foreign tables", "source", "",
                 arena_printf(
                     l->a,
                     "there are foreign tables (%lld): their definition goes over, their rows are elsewhere",
                     (long long)f->foreign_tables),
                 "check that the target reaches their servers, and CREATE USER MAPPING there");
    for (size_t i = 0; i < l->on_source_tables.count; i++)
        if (l->on_source_tables.facts[i].known && l->on_source_tables.facts[i].foreign_partitions[0] != '\0')
            look_add(l, FINDING_WARNING, "foreign tables", "source", l->tables.items[i].label,
                     arena_printf(l->a,
                                  "partitions of its table that are foreign tables are not replicated: %s; "
                                  "the others are, each "
                                  "as a table of its own",
                                  l->on_source_tables.facts[i].foreign_partitions),
                     "move their rows into a partition of this server, or leave them where they are");
    return true;
}

bool step_left_behind(struct look *l, enum side side, struct err *e)
{
    const struct server_facts *f = &l->facts[SIDE_SOURCE];
    (void)side;
    (void)e;
    if (f->large_objects > 0)
        look_add(
            l, FINDING_WARNING, "left behind", "source", "",
            arena_printf(l->a,
                         "there are large objects (%lld): triggers cannot see them change, so they are not "
                         "replicated",
                         (long long)f->large_objects),
            "copy them when the application is stopped: pg_dump --large-objects --data-only, or lo_export");
    if (f->event_triggers > 0)
        look_add(l, FINDING_WARNING, "left behind", "source", "",
                 arena_printf(l->a, "event triggers (%lld) do not go over: making one needs a superuser",
                              (long long)f->event_triggers),
                 "CREATE EVENT TRIGGER on the target yourself, where you want them");
    if (f->large_objects == 0 && f->event_triggers == 0)
        look_ok(l, "left behind", "source", "no large objects, no event triggers");
    return true;
}
