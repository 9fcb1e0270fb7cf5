/* What repl made on the target: recorded as it is made, dropped where somebody begins again (init --recreate). */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/schema.h"

/* Of a long list so many lines are said. */
enum { LISTED = 10, TOGETHER = 50 };

static bool read_made(struct conn *target, const char *schema, struct result **out, struct err *e)
{
    return pg_query_filled(target, sql_schema_made_list,
                           (const struct sql_var[]){{"schema", schema}, {NULL, NULL}}, out, e);
}

bool schema_list_made(struct conn *target, const char *schema, struct arena *a, struct made *out,
                      struct err *e)
{
    struct result *r;
    *out = (struct made){0};
    if (!read_made(target, schema, &r, e))
        return false;
    const size_t n = (size_t)result_rows(r);
    out->lines.items = arena_alloc(a, (LISTED + 2) * sizeof *out->lines.items);
    for (size_t i = 0; i < n; i++) {
        bool table = strcmp(result_text(r, (int)i, 0), "table") == 0;
        *(table ? &out->tables : &out->others) += 1;
        if (i < LISTED)
            out->lines.items[out->lines.count++] =
                arena_printf(a, "target: %s %s", result_text(r, (int)i, 0), result_text(r, (int)i, 1));
    }
    if (n > LISTED)
        out->lines.items[out->lines.count++] = arena_printf(a, "target: and %zu more", n - LISTED);
    result_free(r);
    return true;
}

static bool nothing_lost(struct conn *target, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(target, sql_schema_made_lost, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    bool ok = result_rows(r) == 0;
    if (!ok) {
        long long more = (long long)result_int(r, 0, 2) - 1;
        err_set(e, ERR_CONFIG,
                "repl did not make the %s %s%s, which depends on what it made: nothing was dropped",
                result_text(r, 0, 0), result_text(r, 0, 1), more > 0 ? " (nor others)" : "");
        err_hint(e, "drop it on the target yourself, then do the same again");
    }
    result_free(r);
    return ok;
}

static bool drop_each(struct conn *target, const struct result *list, struct err *e)
{
    for (int i = 0; i < result_rows(list);) {
        struct buf b = {0};
        for (int n = 0; n < TOGETHER && i < result_rows(list); n++, i++)
            buf_printf(&b, "%s;\n", result_text(list, i, 3));
        bool ok = pg_exec(target, b.data, e);
        buf_free(&b);
        if (!ok)
            return false;
    }
    return true;
}

/* CASCADE finds every order and every circle by itself; that it took nothing else along is looked at before the commit. */
bool schema_drop_made(struct conn *target, const char *schema, struct err *e)
{
    struct result *list = NULL;
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    bool ok = pg_exec(target, "BEGIN", e) && read_made(target, schema, &list, e) &&
              pg_exec_filled(target, sql_schema_made_keep, vars, e) && drop_each(target, list, e) &&
              nothing_lost(target, e) && target_remove(target, schema, e);
    result_free(list);
    fault_point("recreate.dropped");
    ok = ok && pg_exec(target, "COMMIT", e);
    if (!ok)
        pg_reset(target);
    return ok || err_context(e, "dropping what repl made on the target");
}
