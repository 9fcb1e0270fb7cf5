/* Removing capture: the exact inverse of installing, found by the catalog alone. */
#include <stdlib.h>
#include <string.h>

#include "install.h"
#include "names.h"
#include "repl/clock.h"
#include "repl/embedded.h"

static bool list_triggers(struct conn *db, const char *schema, struct result **out, struct err *e)
{
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    char *sql = sql_fill(sql_capture_triggers_list, vars);
    bool ok = pg_query(db, sql, 0, NULL, out, e);
    free(sql);
    return ok;
}

static bool look(struct conn *db, const char *schema, bool *ours, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    char *sql = sql_fill(sql_capture_find, vars);
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    free(sql);
    if (!ok)
        return false;
    *ours = result_bool(r, 0, 1);
    result_free(r);
    return true;
}

bool capture_list(struct conn *db, const char *schema, struct arena *a, struct strlist *out, struct err *e)
{
    struct result *r;
    bool ours;
    if (!look(db, schema, &ours, e) || !list_triggers(db, schema, &r, e))
        return false;
    for (int i = 0; ours && i < result_rows(r); i++)
        strlist_add(out, arena_printf(a, "%s: trigger %s on %s.%s", side_name(conn_side(db)),
                                      result_text(r, i, 0), result_text(r, i, 2), result_text(r, i, 3)));
    result_free(r);
    if (ours)
        strlist_add(out,
                    arena_printf(a, "%s: schema %s with everything in it", side_name(conn_side(db)), schema));
    return true;
}

/* ---- one table's triggers, or the schema: a transaction under a lock timeout each, again while others are in the
 * way ---- */

static bool patiently(struct conn *db, const char *sql, const char *table, const struct relation *named,
                      const struct capture_install_options *o, struct err *e)
{
    struct backoff backoff = {.base_ms = 50, .max_ms = 2000};
    uint64_t began = clock_ms();
    for (;;) {
        char blocker[256] = "";
        if (pg_exec(db, sql, e))
            return true;
        pg_reset(db);
        if (!is_lock_timeout(e))
            return err_table(e, named->schema, named->name);
        if (table != NULL)
            find_blocker(db, table, blocker, sizeof blocker);
        if (o->give_up_ms != 0 && clock_ms() - began > o->give_up_ms) {
            err_set(e, ERR_CONFLICT, "locked by others all the time%s%s", blocker[0] != '\0' ? ": " : "",
                    blocker);
            err_table(e, named->schema, named->name);
            return err_hint(e, "end that session or wait for it, then run `repl cleanup` again: it goes on");
        }
        unsigned wait = backoff_next_ms(&backoff);
        if (o->waiting != NULL)
            o->waiting(o->arg, named, blocker, wait);
        clock_sleep_ms(wait);
    }
}

/* Drops the triggers of the table whose rows of the list begin at i; gives the next table's. */
static bool drop_of_table(struct conn *db, const struct result *r, int *i,
                          const struct capture_install_options *o, struct err *e)
{
    struct buf b = {0}, name = {0};
    const char *table = result_text(r, *i, 1);
    const struct relation named = {
        .schema = result_text(r, *i, 2), .name = result_text(r, *i, 3), .sql = table};

    buf_printf(&b, "BEGIN; SET LOCAL lock_timeout = %u;", o->lock_timeout_ms);
    for (; *i < result_rows(r) && strcmp(result_text(r, *i, 1), table) == 0; (*i)++) {
        buf_clear(&name);
        sql_ident(&name, result_text(r, *i, 0));
        buf_printf(&b, "DROP TRIGGER IF EXISTS %s ON %s;", name.data, table);
    }
    buf_puts(&b, "COMMIT;");
    bool ok = patiently(db, b.data, table, &named, o, e);
    if (ok && o->installed != NULL)
        o->installed(o->arg, &named);
    buf_free(&b);
    buf_free(&name);
    return ok;
}

/* Drops what was made for the tables, a few of them a transaction: DROP SCHEMA locks all that it drops, and with
 * thousands of tables a server's lock table would be too small. */
static bool drop_pieces(struct conn *db, const char *schema, const struct capture_install_options *o,
                        struct err *e)
{
    enum { TABLES_AT_ONCE = 8 };
    struct result *r;
    const struct relation named = {.schema = "schema", .name = schema};
    char *sql = sql_fill(sql_capture_pieces, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}});
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    free(sql);
    if (!ok)
        return false;
    for (int i = 0; ok && i < result_rows(r);) {
        struct buf b = {0};
        buf_printf(&b, "BEGIN; SET LOCAL lock_timeout = %u;", o->lock_timeout_ms);
        for (int n = 0; n < TABLES_AT_ONCE && i < result_rows(r); n++, i++)
            buf_printf(&b, "%s;", result_text(r, i, 0));
        buf_puts(&b, "COMMIT;");
        ok = patiently(db, b.data, NULL, &named, o, e);
        buf_free(&b);
    }
    result_free(r);
    return ok;
}

bool capture_remove_tables(struct conn *db, const char *schema, const struct capture_install_options *o,
                           struct err *e)
{
    struct result *r;
    if (!list_triggers(db, schema, &r, e))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < result_rows(r);)
        ok = drop_of_table(db, r, &i, o, e);
    result_free(r);
    return ok && drop_pieces(db, schema, o, e);
}

bool capture_remove(struct conn *db, const char *schema, const struct capture_install_options *o,
                    struct err *e)
{
    bool ours;
    if (!look(db, schema, &ours, e))
        return false;
    if (!ours)
        return true;
    if (!capture_remove_tables(db, schema, o, e))
        return false;

    struct buf b = {0};
    const struct relation named = {.schema = "schema", .name = schema};
    buf_printf(&b, "BEGIN; SET LOCAL lock_timeout = %u; DROP SCHEMA ", o->lock_timeout_ms);
    sql_ident(&b, schema);
    buf_puts(&b, " CASCADE; COMMIT;");
    bool ok = patiently(db, b.data, NULL, &named, o, e);
    buf_free(&b);
    return ok;
}

/* ---- tables that their owner dropped ---- */

bool capture_dropped(struct conn *db, const struct capture *c, struct arena *a, int **ids, size_t *count,
                     struct err *e)
{
    struct result *r;
    char *sql = sql_fill(sql_capture_dropped, (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}});
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    free(sql);
    if (!ok)
        return false;
    *count = (size_t)result_rows(r);
    *ids = arena_alloc(a, (*count + 1) * sizeof **ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = (int)result_int(r, (int)i, 0);
    result_free(r);
    return true;
}

bool capture_forget(struct conn *db, const struct capture *c, int id, struct err *e)
{
    struct arena *a = arena_new();
    const struct sql_var vars[] = {
        {"schema", c->schema},
        {"id", arena_printf(a, "%d", id)},
        {"delta_a", name_delta(a, c, id, 'a')},
        {"delta_b", name_delta(a, c, id, 'b')},
        {"changed", name_of(a, c, arena_printf(a, "d%d_changed", id))},
        {"old", name_of(a, c, arena_printf(a, "d%d_old", id))},
        {"truncate", name_of(a, c, arena_printf(a, "d%d_truncate", id))},
        {"leaf", name_of(a, c, arena_printf(a, "d%d_truncate_leaf", id))},
        {NULL, NULL},
    };
    char *sql = sql_fill(sql_capture_forget, vars);
    bool ok = pg_exec(db, sql, e);
    if (!ok)
        pg_reset(db);
    free(sql);
    arena_free(a);
    return ok;
}
