/*
 * Behind a cutover the source refuses writes; cleanup takes away what refuses them. A process that still uses the old database would
 * write into it from then on, and nobody would know. So that is said, and has to be decided.
 */
#include <stdlib.h>

#include "private.h"
#include "repl/embedded.h"

static bool has_state(struct conn *db, const char *schema, bool *there, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(db, sql_cleanup_has_state,
                         (const struct sql_var[]){{"schema", schema}, {NULL, NULL}}, &r, e))
        return false;
    *there = result_bool(r, 0, 0);
    result_free(r);
    return true;
}

bool reopen_read(struct conn *db, const char *schema, struct arena *a, struct cutover_now *out, struct err *e)
{
    /* The state is asked for whether capture is of a sync still or was switched off. */
    struct capture c = {.schema = schema, .sync_id = "?"};
    bool there;
    *out = (struct cutover_now){.since = ""};
    return has_state(db, schema, &there, e) && (!there || fence_read(db, &c, a, out, e));
}

bool reopen_is_closed(const struct cutover_now *now)
{
    return now->sealed && now->closed &&
           (now->state == CUTOVER_COMPLETE || (now->state == CUTOVER_SWITCHING && !now->lapsed));
}

static bool add_sessions(struct conn *db, struct arena *a, struct strlist *out, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(db, sql_cleanup_sessions, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return err_context(e, "looking for sessions");
    int n = result_rows(r);
    if (n == 0)
        strlist_add(out, arena_printf(a, "nobody else is connected to the source now"));
    else
        strlist_add(
            out, arena_printf(a, "%d session%s connected to the source now:", n, n == 1 ? " is" : "s are"));
    for (int i = 0; i < n; i++)
        strlist_add(out, arena_printf(a, "  pid %s, role %s, %s, from %s", result_text(r, i, 0),
                                      result_text(r, i, 1), result_text(r, i, 2), result_text(r, i, 3)));
    result_free(r);
    return true;
}

static void tell_closed(const struct cutover_now *now, struct arena *a, struct strlist *out)
{
    if (now->state == CUTOVER_COMPLETE)
        strlist_add(
            out,
            arena_printf(a,
                         "THE SOURCE REFUSES WRITES, by a cutover that is complete since %s: the application "
                         "writes at the target",
                         now->since));
    else
        strlist_add(
            out, arena_printf(
                     a,
                     "THE SOURCE REFUSES WRITES, by a switch that began at %s and did not end (repl cutover "
                     "--resume or --abort ends it)",
                     now->since));
    strlist_add(
        out, "after cleanup the source takes writes again, and nobody captures them: they are on the source "
             "alone");
}

bool cleanup_closed(const struct sync *s, struct arena *a, struct strlist *out, bool *closed, struct err *e)
{
    struct conn *db = NULL;
    struct cutover_now now;
    struct err unreachable;
    *closed = false;
    if (s->source == NULL || !sync_connect(s, SIDE_SOURCE, "cleanup", &db, &unreachable))
        return true; /* the list names it; cleanup_run asks again */
    bool ok = reopen_read(db, s->schema, a, &now, e);
    *closed = ok && reopen_is_closed(&now);
    if (*closed) {
        tell_closed(&now, a, out);
        ok = add_sessions(db, a, out, e);
    }
    conn_close(db);
    return ok;
}

static bool make_read_only(struct conn *db, struct err *e)
{
    char *name;
    if (!pg_value(db, "SELECT pg_catalog.current_database()", 0, NULL, &name, e))
        return false;
    bool ok = pg_exec_filled(db, sql_cleanup_read_only,
                             (const struct sql_var[]){{"database", name}, {NULL, NULL}}, e);
    if (!ok) {
        err_context(e, "keeping the source read-only");
        err_hint(e, "the owner of database %s may do that; or repl cleanup --reopen-source", name);
    }
    free(name);
    return ok;
}

bool reopen_decided(struct removal *m, struct err *e)
{
    struct arena *a = arena_new();
    struct cutover_now now;
    bool ok = reopen_read(m->c, m->s->schema, a, &now, e), closed = ok && reopen_is_closed(&now);
    arena_free(a);
    if (!ok)
        return false;
    if (closed && m->how->source == CLEANUP_SOURCE_UNDECIDED) {
        err_set(e, ERR_USAGE, "the source refuses writes by a cutover, and would take them again");
        return err_hint(e, "repl cleanup --reopen-source, or repl cleanup --keep-source-read-only");
    }
    if (m->how->source != CLEANUP_SOURCE_READ_ONLY)
        return true;
    if (!closed) {
        err_set(e, ERR_USAGE,
                "the source takes writes: no cutover is complete that it could stay closed behind");
        return err_hint(e, "repl cleanup, without --keep-source-read-only");
    }
    if (!make_read_only(m->c, e))
        return false;
    removal_tell(
        m,
        "sessions that begin from now on are read-only (default_transaction_read_only of the database); one "
        "that was there before is not, and any may set it off for itself");
    return true;
}
