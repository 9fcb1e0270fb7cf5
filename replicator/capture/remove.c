/* Removing capture: the exact inverse of installing, found by the catalog alone. */
#include <stdlib.h>
#include <string.h>

#include "install.h"
#include "names.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/fence.h"

/* How long a detached partition that was captured may be locked by others before it is left for later. */
enum { FORGET_LOCK_MS = 300 };

static bool list_triggers(struct conn *db, const char *schema, struct result **out, struct err *e)
{
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    return pg_query_filled(db, sql_capture_triggers_list, vars, out, e);
}

/* Whatever layout it has, and whichever side it was made for. */
static bool look(struct conn *db, const char *schema, bool *ours, struct err *e)
{
    struct installation in;
    if (!catalog_installation(db, schema, &in, e))
        return false;
    *ours = in.kind == INSTALLED_CAPTURE || in.kind == INSTALLED_TARGET;
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

/* ---- the application first ---- */

bool capture_disarm(struct conn *db, const char *schema, bool for_good, int64_t *functions, struct err *e)
{
    bool ours;
    struct result *r;
    struct buf b = {0};
    *functions = 0;
    if (!look(db, schema, &ours, e))
        return false;
    if (!ours)
        return true;
    bool ok = pg_query_filled(
        db, sql_capture_disarm,
        (const struct sql_var[]){{"schema", schema},
                                 {"cleaned", cutover_state_name(cutover_leads_to(CUTOVER_CLEAN))},
                                 {NULL, NULL}},
        &r, e);
    if (!ok)
        return false;
    *functions = result_int(r, 0, 1);
    buf_printf(&b, "BEGIN; %s;", result_text(r, 0, 0));
    if (for_good) {
        buf_puts(&b, "DELETE FROM ");
        sql_ident(&b, schema);
        buf_puts(&b, ".sync;");
        buf_puts(&b, result_text(r, 0, 2));
    }
    buf_puts(&b, "COMMIT");
    ok = pg_exec(db, b.data, e);
    if (!ok)
        pg_reset(db);
    result_free(r);
    buf_free(&b);
    return ok || err_context(e, "switching capture off");
}

/* ---- what is dropped: a transaction under a lock timeout each; what is busy goes to the end of the line ---- */

struct drop {
    char *sql;          /* the whole transaction */
    const char *table;  /* quoted; NULL: none of the user's */
    struct relation of; /* its names, for messages */
    bool done;
};

struct drops {
    struct drop *items;
    size_t count;
};

static struct drop *drops_add(struct drops *d)
{
    d->items = xrealloc(d->items, (d->count + 1) * sizeof *d->items);
    d->items[d->count] = (struct drop){0};
    return &d->items[d->count++];
}

static void drops_free(struct drops *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->items[i].sql);
    free(d->items);
}

/* Those of an engine that does not know yet: the next batch would lock what is to go. */
static bool end_sessions(struct conn *db, const char *schema, struct err *e)
{
    return pg_exec_filled(db, sql_capture_end_sessions,
                          (const struct sql_var[]){{"schema", schema}, {NULL, NULL}}, e);
}

/* *busy: one of those that are left; NULL: none is. */
static bool one_pass(struct conn *db, struct drops *d, const struct capture_install_options *o, size_t *left,
                     const struct drop **busy, struct err *e)
{
    *left = 0;
    *busy = NULL;
    for (size_t i = 0; i < d->count; i++) {
        struct drop *one = &d->items[i];
        if (one->done)
            continue;
        if (pg_exec(db, one->sql, e)) {
            one->done = true;
            if (one->table != NULL && o->installed != NULL)
                o->installed(o->arg, &one->of);
            continue;
        }
        pg_reset(db);
        if (!err_is_lock(e))
            return err_table(e, one->of.schema, one->of.name);
        *busy = one;
        (*left)++;
    }
    return true;
}

static bool give_up(const struct drop *busy, size_t left, const char *blocker, struct err *e)
{
    err_set(e, ERR_CONFLICT, "locked by others all the time%s%s%s", left > 1 ? ", as others are" : "",
            blocker[0] != '\0' ? ": " : "", blocker);
    err_table(e, busy->of.schema, busy->of.name);
    return err_hint(e, "end that session or wait for it, then run `repl cleanup` again: it goes on");
}

static bool drop_all(struct conn *db, const char *schema, struct drops *d,
                     const struct capture_install_options *o, struct err *e)
{
    struct backoff backoff = {.base_ms = 50, .max_ms = 2000};
    uint64_t began = clock_ms();
    for (;;) {
        size_t left;
        const struct drop *busy;
        char blocker[256] = "";
        if ((o->end_sessions && !end_sessions(db, schema, e)) || !one_pass(db, d, o, &left, &busy, e))
            return false;
        if (left == 0)
            return true;
        if (busy->table != NULL) {
            char *label = xasprintf("%s.%s", busy->of.schema, busy->of.name);
            catalog_find_blocker(db, label, blocker, sizeof blocker);
            free(label);
        }
        if (o->give_up_ms != 0 && clock_ms() - began > o->give_up_ms)
            return give_up(busy, left, blocker, e);
        unsigned wait = backoff_next_ms(&backoff);
        if (o->waiting != NULL)
            o->waiting(o->arg, &busy->of, blocker, wait);
        if (!conn_rest(db, wait, e))
            return false;
    }
}

static void begin(struct buf *b, const struct capture_install_options *o)
{
    buf_printf(b, "BEGIN; SET LOCAL lock_timeout = %u;", o->lock_timeout_ms);
}

/* The triggers of the table whose rows of the list begin at i; gives the next table's. */
static void add_table(struct drops *d, struct arena *a, const struct result *r, int *i,
                      const struct capture_install_options *o)
{
    struct buf b = {0}, name = {0};
    const char *table = result_text(r, *i, 1);
    struct drop *one = drops_add(d);
    one->table = table;
    one->of = (struct relation){.schema = result_text(r, *i, 2), .name = result_text(r, *i, 3), .sql = table};
    buf_puts(&b, "BEGIN;\n");
    claim_table(a, &b, arena_printf(a, "%s%s", result_bool(r, *i, 4) ? "" : "ONLY ", table),
                "ACCESS EXCLUSIVE", o->lock_timeout_ms);
    for (; *i < result_rows(r) && strcmp(result_text(r, *i, 1), table) == 0; (*i)++) {
        buf_clear(&name);
        sql_ident(&name, result_text(r, *i, 0));
        buf_printf(&b, "DROP TRIGGER IF EXISTS %s ON %s;", name.data, table);
    }
    buf_puts(&b, "COMMIT;");
    one->sql = xstrdup(b.data);
    buf_free(&b);
    buf_free(&name);
}

static bool drop_triggers(struct conn *db, const char *schema, const struct capture_install_options *o,
                          struct err *e)
{
    struct result *r;
    struct drops d = {0};
    if (!list_triggers(db, schema, &r, e))
        return false;
    struct arena *a = arena_new();
    for (int i = 0; i < result_rows(r);)
        add_table(&d, a, r, &i, o);
    bool ok = drop_all(db, schema, &d, o, e);
    drops_free(&d);
    arena_free(a);
    result_free(r);
    return ok;
}

/* Drops what was made for the tables, a few of them a transaction: DROP SCHEMA locks all that it drops, and with
 * thousands of tables a server's lock table would be too small. */
static bool drop_pieces(struct conn *db, const char *schema, const struct capture_install_options *o,
                        struct err *e)
{
    enum { TABLES_AT_ONCE = 8 };
    struct result *r;
    struct drops d = {0};
    bool ok = pg_query_filled(db, sql_capture_pieces,
                              (const struct sql_var[]){{"schema", schema}, {NULL, NULL}}, &r, e);
    if (!ok)
        return false;
    for (int i = 0; i < result_rows(r);) {
        struct buf b = {0};
        struct drop *one = drops_add(&d);
        one->of = (struct relation){.schema = "schema", .name = schema};
        begin(&b, o);
        for (int n = 0; n < TABLES_AT_ONCE && i < result_rows(r); n++, i++)
            buf_printf(&b, "%s;", result_text(r, i, 0));
        buf_puts(&b, "COMMIT;");
        one->sql = xstrdup(b.data);
        buf_free(&b);
    }
    ok = drop_all(db, schema, &d, o, e);
    drops_free(&d);
    result_free(r);
    return ok;
}

static bool drop_schema(struct conn *db, const char *schema, const struct capture_install_options *o,
                        struct err *e)
{
    struct buf b = {0};
    struct drops d = {0};
    struct drop *one = drops_add(&d);
    one->of = (struct relation){.schema = "schema", .name = schema};
    begin(&b, o);
    buf_puts(&b, "DROP SCHEMA ");
    sql_ident(&b, schema);
    buf_puts(&b, " CASCADE; COMMIT;");
    one->sql = xstrdup(b.data);
    buf_free(&b);
    bool ok = drop_all(db, schema, &d, o, e);
    drops_free(&d);
    return ok;
}

bool capture_remove_tables(struct conn *db, const char *schema, const struct capture_install_options *o,
                           struct err *e)
{
    return drop_triggers(db, schema, o, e) && drop_pieces(db, schema, o, e);
}

bool capture_remove(struct conn *db, const char *schema, const struct capture_install_options *o,
                    struct err *e)
{
    bool ours;
    return look(db, schema, &ours, e) &&
           (!ours || (capture_remove_tables(db, schema, o, e) && drop_schema(db, schema, o, e)));
}

/* ---- tables that their owner dropped ---- */

bool capture_dropped(struct conn *db, const struct capture *c, struct arena *a, int **ids, size_t *count,
                     struct err *e)
{
    struct result *r;
    bool ok = pg_query_filled(db, sql_capture_dropped,
                              (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}}, &r, e);
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
        {"updated", name_of(a, c, arena_printf(a, "d%d_updated", id))},
        {"old", name_of(a, c, arena_printf(a, "d%d_old", id))},
        {"truncate", name_of(a, c, arena_printf(a, "d%d_truncate", id))},
        {"leaf", name_of(a, c, arena_printf(a, "d%d_truncate_leaf", id))},
        {NULL, NULL},
    };
    struct result *r;
    struct buf b = {0};
    bool ok = pg_query_filled(db, sql_capture_triggers_of, vars, &r, e);
    if (ok) {
        buf_puts(&b, "BEGIN;\n");
        for (int i = 0; i < result_rows(r); i++)
            claim_table(a, &b, arena_printf(a, "ONLY %s", result_text(r, i, 0)), "ACCESS EXCLUSIVE",
                        FORGET_LOCK_MS);
        result_free(r);
        char *sql = sql_fill(sql_capture_forget, vars);
        buf_printf(&b, "SET LOCAL lock_timeout = %d;\n%s;\nCOMMIT;", FORGET_LOCK_MS, sql);
        free(sql);
        ok = pg_exec(db, b.data, e);
        if (!ok)
            pg_reset(db);
    }
    buf_free(&b);
    arena_free(a);
    return ok;
}
