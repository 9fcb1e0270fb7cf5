/* Advisory locks: one engine a sync, and none while sessions of an earlier one still work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/flow.h"
#include "repl/hash.h"
#include "repl/log.h"

enum { PATIENCE_MS = 10000, VERIFY_PATIENCE_MS = 5000, WORKERS_PATIENCE_MS = 60000, LOOK_MS = 100 };

/* The key of a sync's lock; what tells its locks apart. */
static char *key_of(const char *sync_id, const char *what)
{
    char *name = xasprintf("%s%s", sync_id, what);
    char *key = xasprintf("%lld", (long long)hash64_str(name));
    free(name);
    return key;
}

static bool ask(struct conn *c, const char *function, const char *key, bool *yes, struct err *e)
{
    const char *const params[] = {key};
    char *sql = xasprintf("SELECT pg_catalog.%s($1)", function);
    struct result *r = NULL;
    bool ok = pg_query(c, sql, 1, params, &r, e);
    if (ok) {
        *yes = result_bool(r, 0, 0);
        result_free(r);
    }
    free(sql);
    return ok;
}

/* Tries until the lock is had. *locked is false when patience is over. */
static bool take(struct conn *c, const char *key, unsigned patience_ms, const struct interrupt *i,
                 bool *locked, struct err *e)
{
    uint64_t deadline = clock_ms() + patience_ms;
    for (;;) {
        if (!ask(c, "pg_try_advisory_lock", key, locked, e))
            return false;
        if (*locked || clock_ms() > deadline)
            return true;
        if (interrupt_level(i) != INTERRUPT_NONE)
            return err_set(e, ERR_STOPPED, "interrupted");
        clock_sleep_ms(LOOK_MS);
    }
}

/* ---- whose lock it is ---- */

struct holder {
    int pid; /* 0: none is found */
    char name[64], who[160];
};

static bool find_holder(struct conn *c, const char *key, struct holder *out, struct err *e)
{
    struct result *r;
    *out = (struct holder){0};
    if (!pg_query_filled(c, sql_target_lock_holder, (const struct sql_var[]){{"key", key}, {NULL, NULL}}, &r,
                         e))
        return false;
    if (result_rows(r) != 0) {
        out->pid = (int)result_int(r, 0, 0);
        snprintf(out->name, sizeof out->name, "%s", result_text(r, 0, 1));
        snprintf(out->who, sizeof out->who, "%s%s%s%s%s", result_text(r, 0, 1),
                 result_null(r, 0, 2) ? "" : ", role ", result_text(r, 0, 2),
                 result_null(r, 0, 3) ? "" : ", from ", result_text(r, 0, 3));
    }
    result_free(r);
    return true;
}

/* *e says who has it, and how it is ended. */
static bool taken(struct conn *c, const char *key, const char *what, struct err *e)
{
    struct holder h;
    struct err ignored; /* the session is worth no error of its own */
    const char *side = side_name(conn_side(c));
    if (!find_holder(c, key, &h, &ignored) || h.pid == 0) {
        err_set(e, ERR_CONFLICT, "%s (its lock on the %s is taken)", what, side);
        return err_hint(e,
                        "find it on the %s: SELECT pid, application_name, client_addr FROM pg_stat_activity "
                        "WHERE application_name LIKE 'repl:%%'",
                        side);
    }
    err_set(e, ERR_CONFLICT, "%s (its lock on the %s is taken by session %d: %s)", what, side, h.pid, h.who);
    return err_hint(
        e,
        "stop it (repl stop, in its directory); where it runs no more, end its session on the %s: "
        "select pg_terminate_backend(%d)",
        side, h.pid);
}

/* The session that an engine with the same mark left behind, when it was killed or its network went away: nobody is at it. */
static bool end_own(struct conn *c, const char *key, const char *mark, struct err *e)
{
    struct holder h;
    if (mark == NULL || mark[0] == '\0')
        return true;
    if (!find_holder(c, key, &h, e))
        return false;
    if (h.pid == 0 || strstr(h.name, mark) == NULL)
        return true;
    log_info("%s: session %d of an earlier engine of this directory holds the lock, and is ended",
             side_name(conn_side(c)), h.pid);
    char *sql = xasprintf("SELECT pg_catalog.pg_terminate_backend(%d)", h.pid);
    bool ok = pg_exec(c, sql, e);
    free(sql);
    return ok ||
           err_is(e, "42501"); /* another role's, which this one may not end: then it is a lock like others */
}

bool lock_engine(struct conn *c, const char *sync_id, const char *mark, const struct interrupt *i,
                 struct err *e)
{
    bool locked = false;
    char *key = key_of(sync_id, "");
    bool ok = take(c, key, 0, i, &locked, e) && (locked || end_own(c, key, mark, e)) &&
              (locked || take(c, key, PATIENCE_MS, i, &locked, e));
    if (ok && !locked)
        ok = taken(c, key, "another engine works on this sync", e);
    free(key);
    return ok;
}

bool lock_verify(struct conn *c, const char *sync_id, const struct interrupt *i, struct err *e)
{
    bool locked = false;
    char *key = key_of(sync_id, "/verify");
    bool ok = take(c, key, VERIFY_PATIENCE_MS, i, &locked, e);
    if (ok && !locked)
        ok = taken(c, key, "another repl verify is at this sync", e);
    free(key);
    return ok;
}

bool lock_worker(struct conn *c, const char *sync_id, struct err *e)
{
    bool ignored; /* the function returns void: it waits */
    char *key = key_of(sync_id, "/workers");
    bool ok = ask(c, "pg_advisory_lock_shared", key, &ignored, e);
    free(key);
    return ok;
}

/* A session whose engine is gone may sort for an hour for nobody: it is ended. What it did is rolled back, unless its
 * COMMIT was through. */
static bool end_workers(struct conn *c, const char *key, struct err *e)
{
    return pg_exec_filled(c, sql_target_end_workers, (const struct sql_var[]){{"key", key}, {NULL, NULL}}, e);
}

bool lock_await_workers(struct conn *c, const char *sync_id, const struct interrupt *i, struct err *e)
{
    bool locked = false, released;
    char *key = key_of(sync_id, "/workers");
    bool ok = ask(c, "pg_try_advisory_lock", key, &locked, e) && (locked || end_workers(c, key, e)) &&
              (locked || take(c, key, WORKERS_PATIENCE_MS, i, &locked, e)) &&
              (!locked || ask(c, "pg_advisory_unlock", key, &released, e));
    if (ok && !locked)
        ok = taken(c, key, "sessions of an engine that was killed still work on the target", e);
    free(key);
    return ok;
}
