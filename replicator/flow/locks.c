/* Advisory locks: one engine a sync, and none while sessions of an earlier one still work. */
#include <stdio.h>
#include <stdlib.h>

#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/flow.h"
#include "repl/hash.h"

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

bool lock_engine(struct conn *c, const char *sync_id, const struct interrupt *i, struct err *e)
{
    bool locked = false;
    char *key = key_of(sync_id, "");
    bool ok = take(c, key, PATIENCE_MS, i, &locked, e);
    free(key);
    if (!ok || locked)
        return ok;
    err_set(e, ERR_CONFLICT, "another engine works on this sync (its lock on the %s is taken)",
            side_name(conn_side(c)));
    return err_hint(e, "find it with: SELECT pid, application_name, client_addr FROM pg_stat_activity WHERE "
                       "application_name LIKE 'repl:%%'; stop it, then start again");
}

bool lock_verify(struct conn *c, const char *sync_id, const struct interrupt *i, struct err *e)
{
    bool locked = false;
    char *key = key_of(sync_id, "/verify");
    bool ok = take(c, key, VERIFY_PATIENCE_MS, i, &locked, e);
    free(key);
    if (!ok || locked)
        return ok;
    err_set(e, ERR_CONFLICT, "another repl verify is at this sync");
    return err_hint(e,
                    "wait for its end; on the %s: SELECT pid, client_addr FROM pg_stat_activity WHERE "
                    "application_name = 'repl: verify'",
                    side_name(conn_side(c)));
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
    free(key);
    if (!ok || locked)
        return ok;
    err_set(e, ERR_CONFLICT, "sessions of an engine that was killed still work on the target");
    return err_hint(e, "they end with their statement; on the target: SELECT pg_terminate_backend(pid) FROM "
                       "pg_stat_activity WHERE application_name = 'repl: worker'");
}
