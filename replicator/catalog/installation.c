/* Whether repl is installed in a schema, and by whom: the one gate before any of its tables is read or function run. */
#include <stdio.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"
#include "repl/version.h"

/* Whoever may create a schema could have made it, and what stands in it would run as this role. */
static bool refuse_planted(const struct result *r, struct conn *c, const char *schema, struct err *e)
{
    const int64_t more = result_int(r, 0, 5) - 1;
    err_set(e, ERR_CONFIG, "schema %s on the %s is not %s's alone: %s belongs to role %s", schema,
            side_name(conn_side(c)), result_text(r, 0, 6), result_text(r, 0, 3), result_text(r, 0, 4));
    if (more > 0) {
        size_t used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, " (and %lld more objects are other roles')",
                 (long long)more);
    }
    if (strncmp(result_text(r, 0, 3), "privilege ", strlen("privilege ")) == 0)
        return err_hint(
            e, "others could put functions there that repl runs: REVOKE CREATE ON SCHEMA \"%s\" FROM %s%s%s",
            schema, strcmp(result_text(r, 0, 4), "public") == 0 ? "" : "\"", result_text(r, 0, 4),
            strcmp(result_text(r, 0, 4), "public") == 0 ? "" : "\"");
    return err_hint(e,
                    "if nobody you trust made it, drop that schema, or leave it alone with --schema NAME; if "
                    "your role of before made it: REASSIGN OWNED BY \"%s\" TO \"%s\"",
                    result_text(r, 0, 4), result_text(r, 0, 6));
}

static void copy_text(char *out, size_t size, const struct result *r, int col)
{
    snprintf(out, size, "%s", result_text(r, 0, col));
}

static bool read_sync(struct conn *c, const char *schema, struct installation *out, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(c, sql_catalog_installed, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}},
                         &r, e))
        return false;
    if (result_rows(r) == 1) {
        copy_text(out->sync_id, sizeof out->sync_id, r, 0);
        out->layout = result_int(r, 0, 1);
        copy_text(out->target_id, sizeof out->target_id, r, 2);
        copy_text(out->target_name, sizeof out->target_name, r, 3);
        copy_text(out->target_system, sizeof out->target_system, r, 4);
        out->ready = result_bool(r, 0, 5);
        copy_text(out->role, sizeof out->role, r, 6);
        out->other_role = result_bool(r, 0, 7);
    }
    result_free(r);
    return true;
}

bool catalog_installation(struct conn *c, const char *schema, struct installation *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {
        {"schema", schema}, {"lenient", conn_side(c) == SIDE_FORK ? "true" : "false"}, {NULL, NULL}};
    memset(out, 0, sizeof *out);
    if (!pg_query_filled(c, sql_catalog_installation, vars, &r, e))
        return false;
    bool there = result_bool(r, 0, 0), ours = result_bool(r, 0, 1), target = result_bool(r, 0, 2);
    out->kind = !there   ? INSTALLED_NOTHING
                : !ours  ? INSTALLED_OTHERS
                : target ? INSTALLED_TARGET
                         : INSTALLED_CAPTURE;
    bool ok = !ours || result_null(r, 0, 3) || refuse_planted(r, c, schema, e);
    result_free(r);
    return ok && (!ours || read_sync(c, schema, out, e));
}

bool installation_usable(const struct installation *in, struct conn *c, const char *schema, struct err *e)
{
    if (in->layout == REPL_SCHEMA_VERSION)
        return true;
    if (in->sync_id[0] == '\0') {
        err_set(e, ERR_CONFIG, "repl in schema %s on the %s was switched off by a cleanup that did not end",
                schema, side_name(conn_side(c)));
        return err_hint(e, "run: repl cleanup");
    }
    err_set(e, ERR_CONFIG,
            "schema %s on the %s was made by another version of repl (layout %lld, this one needs %d)",
            schema, side_name(conn_side(c)), (long long)in->layout, REPL_SCHEMA_VERSION);
    if (in->layout > REPL_SCHEMA_VERSION)
        return err_hint(e, "use the repl that made it, or run `repl cleanup` with that one first");
    return err_hint(
        e, "finish that move with the repl that made it; or repl cleanup, which this version can do, "
           "then repl init: the copy begins again");
}
