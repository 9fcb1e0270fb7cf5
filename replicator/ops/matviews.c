#include "matviews.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "repl/embedded.h"

static bool populated(const struct result *views, const char *schema, const char *name)
{
    for (int i = 0; i < result_rows(views); i++)
        if (strcmp(result_text(views, i, 0), schema) == 0 && strcmp(result_text(views, i, 1), name) == 0)
            return result_bool(views, i, 3);
    return false;
}

/* A view may call functions of the application that rely on the search_path a session of the application has. */
static bool refresh(struct conn *target, const char *view, struct err *e)
{
    char *sql =
        xasprintf("BEGIN; SET LOCAL search_path TO DEFAULT; REFRESH MATERIALIZED VIEW %s; COMMIT", view);
    bool ok = pg_exec(target, sql, e);
    free(sql);
    if (!ok)
        pg_reset(target);
    return ok;
}

static bool refresh_all(const struct result *source, const struct result *here, struct conn *target,
                        const struct interrupt *i, say_fn say, void *arg, struct err *e)
{
    for (int row = 0; row < result_rows(here); row++) {
        const char *view = result_text(here, row, 2);
        if (interrupt_level(i) != INTERRUPT_NONE)
            return err_set(e, ERR_STOPPED, "interrupted");
        if (!populated(source, result_text(here, row, 0), result_text(here, row, 1)) ||
            refresh(target, view, e))
            continue;
        if (e->kind != ERR_SQL || !conn_usable(target))
            return err_context(e, "REFRESH MATERIALIZED VIEW %s", view);
        char *text = xasprintf("materialized view %s was not refreshed: %s", view, e->text);
        say(arg, text);
        free(text);
        err_clear(e);
    }
    return true;
}

bool matviews_refresh(struct conn *source, struct conn *target, const char *own_schema,
                      const struct interrupt *i, say_fn say, void *arg, struct err *e)
{
    const struct sql_var vars[] = {{"own_schema", own_schema}, {NULL, NULL}};
    struct result *there = NULL, *here = NULL;
    bool ok = ask(source, sql_ops_matviews, vars, &there, e) &&
              ask(target, sql_ops_matviews, vars, &here, e) &&
              refresh_all(there, here, target, i, say, arg, e);
    result_free(there);
    result_free(here);
    return ok;
}
