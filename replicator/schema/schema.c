/*
 * The schema comes over through pg_dump; repl writes no DDL but its own. The archive is made once (dump.c), what goes
 * over and when is decided on its table of contents (toc.c), pg_restore gives the SQL of each entry (script.c), and
 * repl's own sessions run it. Each step asks the target what it has already, so that a step which was killed is
 * simply run again. Here is what comes before the rows; what comes after them is units (plan_*.c).
 */
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/schema.h"
#include "restore.h"
#include "unit.h"

/* Entries sent at a time. */
enum { TOGETHER = 50 };

static void tell_left_out(const struct restore *r)
{
    for (size_t i = 0; i < r->dump.toc.count; i++) {
        const struct toc_entry *it = &r->dump.toc.items[i];
        if (it->told)
            r->say(r->arg, arena_printf(r->a, "left out: %s %s: %s", it->kind, it->rest, it->left_out));
    }
}

/* All or nothing, unless the target's lock table could not hold the locks: a table takes up to one for itself, its
 * TOAST table and that one's index, its sequence, and its type. */
static bool fits_one_transaction(const struct restore *r, size_t entries)
{
    return (int64_t)entries * 5 < r->lock_slots / 2;
}

static void hint_pre_data(struct err *e)
{
    if (strstr(e->text, "permission denied for schema") != NULL)
        err_hint(e, "the role of --target needs GRANT CREATE ON SCHEMA ..., or make it the database's owner");
    else if (e->kind == ERR_SQL)
        err_hint(e, "drop on the target what stands in the way, or make the whole schema yourself and give "
                    "--no-schema");
}

/* Each transaction records what it has made, for whoever wants to begin again. */
static bool make(struct restore *r, const char **sql, size_t n, bool whole, struct err *e)
{
    const struct sql_var vars[] = {{"schema", r->s->schema}, {NULL, NULL}};
    char *before = sql_filled(r->a, sql_schema_made_before, vars);
    char *note = sql_filled(r->a, sql_schema_made_note, vars);
    bool ok = !whole || (pg_exec(r->target, "BEGIN", e) && pg_exec(r->target, before, e));
    for (size_t i = 0; ok && i < n; i += TOGETHER)
        ok = statements_run(r->target,
                            &(struct statements){.sql = sql + i,
                                                 .count = n - i < TOGETHER ? n - i : TOGETHER,
                                                 .settings = whole ? NULL : before,
                                                 .after = whole ? NULL : note,
                                                 .inside = whole,
                                                 .search_path = r->search_path},
                            e);
    ok = ok && (!whole || (pg_exec(r->target, note, e) && pg_exec(r->target, "COMMIT", e)));
    if (!ok)
        pg_reset(r->target);
    return ok;
}

static bool make_pre_data(struct restore *r, struct err *e)
{
    size_t n = 0;
    const char **sql = arena_alloc(r->a, (r->dump.toc.count + 1) * sizeof *sql);
    if (!restore_script(r, TOC_PRE_DATA, e))
        return false;
    for (size_t i = 0; i < r->dump.toc.count; i++)
        if (toc_left(&r->dump.toc.items[i], TOC_PRE_DATA))
            sql[n++] = r->dump.toc.items[i].sql;
    if (n == 0)
        return true;
    r->say(r->arg, arena_printf(r->a, "making %zu types, functions and tables on the target", n));
    return make(r, sql, n, fits_one_transaction(r, n), e);
}

bool schema_pre_data(const struct units_wanted *w, struct err *e)
{
    struct restore r;
    if (w->s->no_schema)
        return true;
    struct arena *a = arena_new();
    bool ok = restore_begin(&r, w, true, a, e);
    if (ok) {
        tell_left_out(&r);
        fault_point("schema.pre_data");
        ok = make_pre_data(&r, e);
        if (!ok)
            hint_pre_data(e);
        restore_end(&r);
    }
    arena_free(a);
    return ok;
}
