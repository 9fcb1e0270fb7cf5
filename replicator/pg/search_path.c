/* The application's search_path in a session of repl: for what the application's own functions name. */
#include "repl/buf.h"

#include "repl/pg.h"

char *search_path_sql(struct arena *a, const char *path)
{
    struct buf b = {0};
    buf_puts(&b, "SELECT pg_catalog.set_config('search_path', ");
    sql_literal(&b, path != NULL ? path : "pg_catalog");
    buf_puts(&b, ", true)");
    return buf_take(a, &b);
}

bool search_path_query(struct conn *c, const char *path, const char *sql, struct result **out, struct err *e)
{
    enum pg_event event = PG_RESULT;
    struct arena *a = arena_new();
    struct result *last = NULL;
    bool ok = pg_send(c, arena_printf(a, "%s; %s", search_path_sql(a, path), sql), e);
    arena_free(a);
    while (ok && event != PG_END) {
        struct result *r = NULL;
        ok = pg_next(c, &event, &r, e);
        if (ok && event == PG_RESULT) {
            result_free(last);
            last = r;
        }
    }
    if (ok) {
        *out = last;
        return true;
    }
    result_free(last);
    return search_path_hint(path, e);
}

bool search_path_misses_a_name(const struct err *e)
{
    return err_is(e, "42883") || err_is(e, "42P01") || err_is(e, "42704") || err_is(e, "3F000");
}

bool search_path_hint(const char *path, struct err *e)
{
    if (path == NULL || !search_path_misses_a_name(e))
        return false;
    e->hint[0] = '\0'; /* the server's own is about casts */
    return err_hint(
        e,
        "a function of the table's columns, checks, domains or indexes names what the search_path of "
        "the application's sessions (%s) does not find there: ALTER FUNCTION ... SET search_path = ... "
        "on both sides, or make what is missing; it is tried again",
        path);
}
