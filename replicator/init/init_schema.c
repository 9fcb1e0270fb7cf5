/*
 * The target's tables before their first row: made from the source's schema where they are missing, compared, and
 * emptied where that was asked for.
 */
#include <string.h>

#include "init_private.h"
#include "repl/schema.h"
#include "repl/units.h"

static bool step_done(const struct target_state *state, const char *step)
{
    for (size_t i = 0; i < state->steps.count; i++)
        if (strcmp(state->steps.items[i], step) == 0)
            return true;
    return false;
}

static size_t count_missing(const struct init *in, const struct relations *there)
{
    size_t n = 0;
    for (size_t i = 0; i < in->tables.count; i++)
        n += relations_find(there, in->tables.items[i].schema, in->tables.items[i].name) == NULL;
    return n;
}

static bool is_missing(const struct init *in, const struct relation *r, struct err *e)
{
    if (in->made_by_others) {
        err_set(e, ERR_CONFIG, "the target has no such table");
        err_hint(e, "create it there as on the source, then do the same again");
    } else {
        err_set(e, ERR_CONFIG, "the target has no such table, though its schema was restored");
        err_hint(e, "something else of that name may stand there: look with \\d %s on the target", r->sql);
    }
    return err_table(e, r->schema, r->name);
}

static bool compare_tables(struct init *in, const struct relations *there, struct err *e)
{
    for (size_t i = 0; i < in->tables.count; i++) {
        struct relation *r = &in->tables.items[i];
        const struct relation *t = relations_find(there, r->schema, r->name);
        if (t == NULL)
            return is_missing(in, r, e);
        if (!catalog_compatible(r, t, e))
            return false;
    }
    return true;
}

/* The archive is made anew: an old one does not know new tables. */
bool init_schema(struct init *in, struct err *e)
{
    struct relations there;
    if (!catalog_read(in->target, in->s->schema, in->a, &there, e))
        return false;
    size_t missing = count_missing(in, &there);
    if (!in->made_by_others && (missing > 0 || !step_done(&in->state, "schema"))) {
        const struct units_wanted w = {.s = in->s,
                                       .source = in->source,
                                       .target = in->target,
                                       .ahead = in->ahead,
                                       .i = in->interrupt,
                                       .say = in->say,
                                       .arg = in->arg};
        if (in->ahead == NULL)
            dump_remove(in->s->dir);
        if (!schema_pre_data(&w, e) || !catalog_read(in->target, in->s->schema, in->a, &there, e))
            return false;
    }
    if (!compare_tables(in, &there, e) || !target_step_done(in->target, in->s->schema, "schema", e))
        return false;
    in->reached = REACHED_TABLES;
    return true;
}

/* ---- rows that are in the way ---- */

static bool truncate_all(struct conn *target, const struct relation *const *tables, size_t n, struct err *e)
{
    struct buf sql = {0};
    bool ok = pg_exec(target, "BEGIN", e);
    for (size_t i = 0; ok && i < n; i++) { /* so that an error says which */
        struct buf lock = {0};
        buf_printf(&lock, "LOCK TABLE %s", tables[i]->sql);
        ok = pg_exec(target, lock.data, e) || err_table(e, tables[i]->schema, tables[i]->name);
        buf_free(&lock);
        buf_printf(&sql, "%s %s", i == 0 ? "TRUNCATE" : ",", tables[i]->sql);
    }
    ok = ok && pg_exec(target, sql.data, e) && pg_exec(target, "COMMIT", e);
    if (!ok)
        pg_reset(target);
    buf_free(&sql);
    return ok;
}

static bool refuse_truncate(struct err *e)
{
    if (!err_is(e, "0A000"))
        return err_context(e, "emptying the target's tables");
    err_context(
        e, "emptying the target's tables (a foreign key of a table that is not to be emptied points there)");
    e->kind = ERR_CONFIG;
    e->hint[0] = '\0'; /* PostgreSQL's own advises CASCADE, which would empty that table too */
    return err_hint(
        e, "empty or drop that table on the target yourself, drop its foreign key, or replicate it too");
}

/* Those that hold rows; with the other new ones where foreign keys among them ask for it, which are empty. */
bool init_empty(struct init *in, struct err *e)
{
    size_t n = 0, full;
    const struct relation **new = arena_alloc(in->a, (in->tables.count + 1) * sizeof(struct relation *));
    const struct relation **rows = arena_alloc(in->a, (in->tables.count + 1) * sizeof(struct relation *));
    for (size_t i = 0; i < in->tables.count; i++)
        if (!target_began(&in->state, &in->tables.items[i]))
            new[n++] = &in->tables.items[i];
    if (!tables_with_rows(in->source, in->target, new, n, rows, &full, e))
        return false;
    if (full == 0)
        return true;
    for (size_t i = 0; i < full; i++)
        in->say(in->arg, arena_printf(in->a, "emptying %s on the target", rows[i]->label));
    if (truncate_all(in->target, rows, full, e) ||
        (err_is(e, "0A000") && truncate_all(in->target, new, n, e)))
        return true;
    return refuse_truncate(e);
}
