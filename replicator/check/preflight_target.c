/* The target's tables: whether they can take the source's rows, and what would happen to these there. */
#include <stdio.h>

#include "preflight.h"
#include "repl/embedded.h"

/* ---- which are there ---- */

static void check_columns(struct look *l, const struct relation *r)
{
    struct relation *source = relations_find(&l->tables, r->schema, r->name);
    struct err differs;
    if (source == NULL || catalog_compatible(source, r, &differs))
        return;
    snprintf(differs.side, sizeof differs.side, "target");
    finding_add_err(l->out, l->a, "columns", &differs);
}

bool step_target_tables(struct look *l, enum side side, struct err *e)
{
    size_t n = 0, before = l->out->count;
    struct relation **there = arena_alloc(l->a, (l->tables.count + 1) * sizeof(struct relation *));
    (void)side;
    if (!catalog_read(l->target, l->s->schema, l->a, &l->target_tables, e))
        return false;
    target_assign_ids(&l->state, &l->target_tables);
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct relation *r = &l->tables.items[i];
        struct relation *t = relations_find(&l->target_tables, r->schema, r->name);
        if (t != NULL)
            there[n++] = t;
        else if (l->s->no_schema)
            look_add(
                l, FINDING_BLOCKER, "target tables", "target", r->label, "the table is not there",
                "make it (run the application's migrations), leave --no-schema out, or --exclude the table");
    }
    l->there.items = there;
    if (!read_table_facts(l, l->target, there, n, &l->there.facts, e))
        return false;
    l->there.count = n;
    for (size_t i = 0; i < n; i++)
        check_columns(l, there[i]);
    if (l->out->count == before)
        look_ok(l, "target tables", "target", "%zu of %zu are there already%s", n, l->tables.count,
                n == l->tables.count ? "" : "; the others are made by init");
    return true;
}

/* ---- rows that are in the way ---- */

/* Rows are looked for where nobody said that they may be there, and where they may be read. */
bool step_rows(struct look *l, enum side side, struct err *e)
{
    size_t asked = 0, full;
    const struct relation **ask_rows = arena_alloc(l->a, (l->there.count + 1) * sizeof(struct relation *));
    const struct relation **rows = arena_alloc(l->a, (l->there.count + 1) * sizeof(struct relation *));
    (void)side;
    for (size_t i = 0; i < l->there.count; i++) {
        const struct table_facts *f = &l->there.facts[i];
        if (!l->s->overwrite && !l->seed_judged && f->known && f->may_read && !f->rows_hidden &&
            !target_began(&l->state, l->there.items[i]))
            ask_rows[asked++] = l->there.items[i];
    }
    if (!tables_with_rows(l->source, l->target, ask_rows, asked, rows, &full, e))
        return false;
    for (size_t i = 0; i < full; i++)
        look_add(
            l, FINDING_BLOCKER, "rows", "target", rows[i]->label, "the table holds rows already",
            arena_printf(l->a, "TRUNCATE %s, or give --overwrite: repl init then empties it", rows[i]->sql));
    if (full == 0)
        look_ok(l, "rows", "target", "%s",
                l->seed_judged    ? "rows that are there are the seed's"
                : l->s->overwrite ? "rows that are there may be replaced (--overwrite)"
                                  : "no rows are in the way");
    return true;
}

/* ---- what fires there ---- */

static bool check_event_triggers(struct look *l, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(l->target, sql_check_event_triggers, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++)
        look_add(l, FINDING_WARNING, "triggers", "target", "",
                 arena_printf(l->a, "the event trigger %s fires for the DDL of init and start",
                              result_text(r, i, 0)),
                 arena_printf(
                     l->a,
                     "if it could refuse or change that: ALTER EVENT TRIGGER %s DISABLE until the copy is "
                     "done",
                     result_text(r, i, 0)));
    result_free(r);
    return true;
}

static const char *all_that_fire(struct look *l, const struct table_facts *t)
{
    return arena_printf(l->a, "%s%s%s", t->always, t->always[0] != '\0' && t->replica[0] != '\0' ? ", " : "",
                        t->replica);
}

/* Before the copy: what the source has comes to the target. */
static void say_source_triggers(struct look *l)
{
    size_t before = l->out->count;
    for (size_t i = 0; !l->s->no_schema && i < l->on_source_tables.count; i++) {
        const struct relation *r = l->on_source_tables.items[i];
        const struct table_facts *t = &l->on_source_tables.facts[i];
        if (t->known && t->always[0] != '\0')
            look_add(
                l, FINDING_WARNING, "triggers", "source", r->label,
                l->s->keep_always
                    ? arena_printf(l->a,
                                   "ENABLE ALWAYS, and stays so on the target, where it fires for "
                                   "replicated rows too: %s",
                                   t->always)
                    : arena_printf(l->a,
                                   "ENABLE ALWAYS, and becomes an ordinary one on the target, so that it "
                                   "does not fire for replicated rows: %s",
                                   t->always),
                l->s->keep_always ? "repl init --always-triggers ordinary"
                                  : "to leave it as it is: repl init --always-triggers keep");
        if (t->known && t->replica[0] != '\0')
            look_add(l, FINDING_WARNING, "triggers", "source", r->label,
                     arena_printf(
                         l->a,
                         "ENABLE REPLICA: it would fire on the target for each replicated row, as it does "
                         "for none of the application's here: %s",
                         t->replica),
                     arena_printf(l->a,
                                  "ALTER TABLE %s DISABLE TRIGGER ... (or RULE ...) on the source, or on the "
                                  "target as soon as it is there",
                                  r->sql));
    }
    if (l->out->count == before)
        look_ok(l, "triggers", "source", "none is ENABLE ALWAYS or REPLICA");
}

bool step_triggers(struct look *l, enum side side, struct err *e)
{
    size_t before = l->out->count;
    if (side == SIDE_SOURCE) {
        say_source_triggers(l);
        return true;
    }
    for (size_t i = 0; i < l->there.count; i++) {
        const char *fire = l->there.facts[i].known ? all_that_fire(l, &l->there.facts[i]) : "";
        if (fire[0] != '\0')
            look_add(l, FINDING_WARNING, "triggers", "target", l->there.items[i]->label,
                     arena_printf(l->a, "these fire for replicated rows too: %s", fire),
                     arena_printf(
                         l->a, "ALTER TABLE %s ENABLE TRIGGER ... (or RULE ...), without ALWAYS and REPLICA",
                         l->there.items[i]->sql));
    }
    if (!check_event_triggers(l, e))
        return false;
    if (l->out->count == before)
        look_ok(l, "triggers", "target", "no trigger fires for what repl writes");
    return true;
}
