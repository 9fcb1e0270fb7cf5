/* The old source while repl writes it: what is switched off there, and how it was. */
#include <stdlib.h>
#include <string.h>

#include "repl/back.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/fault.h"

/* So many objects are locked at a time: a server's lock table is small. */
enum { AT_ONCE = 50 };

static char *call(struct arena *a, const char *schema, const char *function)
{
    struct buf b = {0};
    sql_ident(&b, schema);
    char *sql = arena_printf(a, "SELECT %s.%s", b.data, function);
    buf_free(&b);
    return sql;
}

/* Until none is left, a few of them a transaction. */
static bool until_done(struct conn *old, const char *schema, const char *function, struct err *e)
{
    struct arena *a = arena_new();
    const char *sql = call(a, schema, arena_printf(a, "%s(%d)", function, AT_ONCE));
    bool ok = true;
    for (int64_t left = 1; ok && left != 0;) {
        struct result *r;
        ok = pg_query(old, sql, 0, NULL, &r, e);
        if (ok) {
            left = result_int(r, 0, 0);
            result_free(r);
            fault_point("back.step");
        }
    }
    arena_free(a);
    return ok;
}

bool back_hush(struct conn *old, const char *schema, struct err *e)
{
    return until_done(old, schema, "hush", e) ||
           err_context(e, "switching off foreign keys and triggers, so that changes can come back");
}

static bool is_there(struct conn *old, const char *schema, bool *there, struct err *e)
{
    struct result *r;
    const char *const parameters[] = {schema};
    if (!pg_query(old,
                  "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                  " ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'silenced')",
                  1, parameters, &r, e))
        return false;
    *there = result_bool(r, 0, 0);
    result_free(r);
    return true;
}

bool back_wake(struct conn *old, const char *schema, struct err *e)
{
    bool there;
    if (!is_there(old, schema, &there, e))
        return false;
    return !there || until_done(old, schema, "wake", e) ||
           err_context(e, "restoring foreign keys and triggers");
}

static bool count_off(struct conn *old, const char *schema, int64_t *n, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(old, sql_back_off, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}}, &r,
                         e))
        return false;
    *n = result_int(r, 0, 0);
    result_free(r);
    return true;
}

bool back_try_wake(struct conn *old, const char *schema, double *seconds, struct err *e)
{
    struct arena *a = arena_new();
    const char *sql = call(a, schema, arena_printf(a, "wake(%d)", AT_ONCE));
    struct result *r;
    int64_t off = 0, left = 0;
    uint64_t began = clock_us();
    bool ok =
        count_off(old, schema, &off, e) && pg_exec(old, "BEGIN", e) && pg_query(old, sql, 0, NULL, &r, e);
    if (ok) {
        left = result_int(r, 0, 0);
        result_free(r);
        ok = pg_exec(old, "ROLLBACK", e);
    }
    *seconds = off > left ? (double)(clock_us() - began) / 1e6 * (double)off / (double)(off - left) : 0;
    arena_free(a);
    return ok || err_context(e, "trying to restore foreign keys and triggers");
}

/* One that fails is told and left as it is: it is the user's to decide about the rows. */
static bool validate_one(struct conn *old, const char *schema, const char *relid, const char *name,
                         const char *sql, const struct back_options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct err why;
    const char *const parameters[] = {relid, name};
    struct result *r;
    if (sql[0] != '\0' && !pg_exec(old, sql, &why))
        o->say(o->arg, arena_printf(a, "warning: foreign key %s stays NOT VALID: %s", name, why.text));
    const char *forget =
        call(a, schema, "silenced WHERE kind = 'unvalidated' AND relid = $1::oid AND name = $2");
    bool ok =
        pg_query(old, arena_printf(a, "DELETE FROM%s", forget + strlen("SELECT")), 2, parameters, &r, e);
    if (ok)
        result_free(r);
    arena_free(a);
    return ok;
}

bool back_validate(struct conn *old, const char *schema, const struct back_options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r = NULL;
    bool there;
    bool ok = is_there(old, schema, &there, e);
    if (ok && there) {
        struct buf s = {0};
        sql_ident(&s, schema);
        ok = pg_query(
            old,
            arena_printf(a,
                         "SELECT q.relid, q.name, coalesce(%s.silencer(q, false), '') FROM %s.silenced q"
                         " WHERE q.kind = 'unvalidated' ORDER BY 1, 2",
                         s.data, s.data),
            0, NULL, &r, e);
        buf_free(&s);
    }
    for (int i = 0; ok && r != NULL && i < result_rows(r); i++)
        ok =
            validate_one(old, schema, result_text(r, i, 0), result_text(r, i, 1), result_text(r, i, 2), o, e);
    result_free(r);
    arena_free(a);
    return ok;
}

char *back_begin_batch_sql(struct arena *a, const char *schema)
{
    return call(a, schema, "begin_batch()");
}
