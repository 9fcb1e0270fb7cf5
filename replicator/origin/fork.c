/*
 * A fork to copy from: is it one of this source, was it made after capture was installed, has nobody written to it?
 * Why that is enough: docs/architecture.md, "Rows from a fork".
 */
#include "repl/origin.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/embedded.h"

/* ---- is it a copy of this source? ---- */

/* An advisory lock is seen by every session of a database, and by none of another. */
static bool same_server(struct conn *fork, struct conn *source, bool *same, struct err *e)
{
    char key[24];
    struct result *mine = NULL, *theirs = NULL;
    snprintf(key, sizeof key, "%lld", (long long)(((clock_ms() & 0xffffffffff) << 22) ^ (uint64_t)getpid()));
    const struct sql_var vars[] = {{"key", key}, {NULL, NULL}};
    bool ok = pg_query_filled(source, sql_origin_lock_try, vars, &mine, e) &&
              pg_query_filled(fork, sql_origin_lock_try, vars, &theirs, e);
    if (ok)
        *same = !result_bool(theirs, 0, 0);
    result_free(mine);
    result_free(theirs);
    struct result *gone = NULL;
    ok = ok && pg_query_filled(source, sql_origin_lock_end, vars, &gone, e);
    result_free(gone);
    return ok;
}

bool fork_is_one(struct conn *fork, struct conn *source, struct err *e)
{
    struct server_identity from, to;
    bool same;
    if (!same_server(fork, source, &same, e))
        return false;
    if (same) {
        err_set(e, ERR_CONFIG, "this is the source itself");
        return err_hint(e, "give --copy-from the URL of a fork, or leave it out");
    }
    if (!catalog_identity(fork, &to, e) || !catalog_identity(source, &from, e))
        return false;
    if (catalog_same_database(&from, &to))
        return true;
    err_set(e, ERR_CONFIG,
            "this is no fork of the source: a fork has its system identifier (%s, not %s) and its "
            "database's oid (%u, not %u)",
            from.system_identifier, to.system_identifier, from.database, to.database);
    return err_hint(
        e, "give --copy-from the URL of a fork of --source (Heroku: heroku addons:create ... --fork)");
}

/* ---- was it made after capture? ---- */

static bool no_capture(const struct conn *copy, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "it was made before capture was installed on the source: nothing tells what changed since");
    return err_hint(e, "make a new %s now that `repl init` has run",
                    conn_side(copy) == SIDE_FORK ? "fork" : "copy");
}

static bool other_sync(const struct capture *there, const struct capture *c, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "it was made while another sync was installed on the source (%s, now %s): nothing tells what "
            "changed since",
            there->sync_id, c->sync_id);
    return err_hint(e, "make a new copy of the source, which the sync of now is in");
}

static bool other_history(const struct server_identity *then, const struct server_identity *now,
                          struct err *e)
{
    err_set(e, ERR_CONFIG,
            "the source failed over or was upgraded (timeline %lld, was %lld) since `repl init` noted which "
            "server it "
            "is: the copy may hold what the source has lost",
            (long long)now->timeline, (long long)then->timeline);
    return err_hint(e, "repl init without --copy-from, and then make a new fork");
}

bool copy_has_capture(struct conn *copy, struct conn *source, const struct capture *c, struct err *e)
{
    struct capture there = {.schema = c->schema};
    struct server_identity then, now;
    if (c->sync_id[0] == '\0')
        return no_capture(copy, e);
    if (!capture_find(copy, &there, e))
        return false;
    if (there.sync_id[0] == '\0')
        return no_capture(copy, e);
    if (strcmp(there.sync_id, c->sync_id) != 0)
        return other_sync(&there, c, e);
    if (!capture_history(copy, &there, &then, e) || !catalog_identity(source, &now, e))
        return false;
    return (strcmp(then.system_identifier, now.system_identifier) == 0 && then.timeline == now.timeline) ||
           other_history(&then, &now, e);
}

/* ---- what of it can be taken? ---- */

static enum copy_has has(const struct captured_table *here, const struct captured_table *there)
{
    if (here->unlogged || (there->exists && there->unlogged))
        return COPY_UNLOGGED;
    if (!there->exists)
        return COPY_LACKS;
    if (here->id == 0 || here->id != there->id || here->installed_at[0] == '\0' ||
        strcmp(here->installed_at, there->installed_at) != 0)
        return COPY_UNCAPTURED;
    return strcmp(here->shape, there->shape) == 0 ? COPY_GIVES : COPY_ALTERED;
}

bool fork_has(struct conn *fork, struct conn *source, const struct capture *c, const struct relations *l,
              struct arena *a, enum copy_has **out, struct err *e)
{
    struct captured_table *here, *there;
    if (!capture_seen(source, c, l, a, &here, e) || !capture_seen(fork, c, l, a, &there, e))
        return false;
    *out = arena_alloc(a, (l->count + 1) * sizeof **out);
    for (size_t i = 0; i < l->count; i++)
        (*out)[i] = has(&here[i], &there[i]);
    return true;
}

/* ---- for the engine ---- */

static bool refuse_table(const struct relation *r, enum copy_has has, struct err *e)
{
    err_set(e, ERR_CONFIG,
            has == COPY_ALTERED ? "the table was altered on the source since the fork was made"
                                : "the fork does not have the table as the source does");
    err_relation(e, r);
    return err_hint(
        e, "repl stop, repl init: takes this table from the source; or make a new fork and: repl init "
           "--copy-from URL");
}

bool fork_fits(struct conn *fork, struct conn *source, const struct capture *c, const struct relations *l,
               struct err *unfit, struct err *e)
{
    enum copy_has *tables;
    struct arena *a = arena_new();
    bool ok = fork_is_one(fork, source, e) && copy_has_capture(fork, source, c, e) &&
              fork_has(fork, source, c, l, a, &tables, e);
    for (size_t i = 0; ok && i < l->count; i++) {
        err_clear(&unfit[i]);
        if (tables[i] != COPY_GIVES)
            refuse_table(&l->items[i], tables[i], &unfit[i]);
    }
    arena_free(a);
    return ok || err_context(e, "the fork");
}

bool fork_fits_still(struct conn *source, const struct capture *c, const struct relations *l, struct err *e)
{
    struct captured_table *now;
    struct arena *a = arena_new();
    bool ok = capture_seen(source, c, l, a, &now, e);
    for (size_t i = 0; ok && i < l->count; i++) {
        const char *then = l->items[i].shape;
        ok = (then != NULL && strcmp(then, now[i].shape) == 0) ||
             refuse_table(&l->items[i], now[i].exists ? COPY_ALTERED : COPY_LACKS, e);
    }
    arena_free(a);
    return ok || err_context(e, "the fork");
}

bool fork_stood_still(struct conn *fork, struct conn *source, const struct capture *c,
                      const struct relations *l, struct err *e)
{
    if (fork_is_one(fork, source, e) && copy_has_capture(fork, source, c, e) &&
        capture_is_part(fork, source, c, l, e))
        return true;
    if (e->kind == ERR_CONFIG && e->hint[0] == '\0')
        err_hint(e, "its rows cannot be trusted; begin anew: repl stop, repl cleanup, repl init --overwrite, "
                    "and a new "
                    "fork that nobody writes to");
    return err_context(e, "the fork that the rows were copied from");
}
