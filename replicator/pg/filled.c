/* Statements with variables, as the files under sql/ hold them, sent in one call. */
#include <stdlib.h>

#include "repl/pg.h"

bool pg_exec_filled(struct conn *c, const char *text, const struct sql_var *vars, struct err *e)
{
    char *sql = sql_fill(text, vars);
    bool ok = pg_exec(c, sql, e);
    free(sql);
    return ok;
}

bool pg_query_filled(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                     struct err *e)
{
    char *sql = sql_fill(text, vars);
    bool ok = pg_query(c, sql, 0, NULL, out, e);
    free(sql);
    return ok;
}

bool pg_query_last_filled(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                          struct err *e)
{
    enum pg_event event = PG_RESULT;
    struct result *last = NULL;
    char *sql = sql_fill(text, vars);
    bool ok = pg_send(c, sql, e);
    free(sql);
    while (ok && event != PG_END) {
        struct result *r = NULL;
        ok = pg_next(c, &event, &r, e);
        if (ok && event == PG_RESULT) {
            result_free(last);
            last = r;
        }
    }
    if (!ok) {
        result_free(last);
        return false;
    }
    *out = last;
    return last != NULL || err_set(e, ERR_SQL, "the statements returned nothing");
}
