/* Who holds the lock that somebody waited for in vain. Asked afterwards, so he may be gone again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

/* What stands in the way of ACCESS SHARE, of ROW EXCLUSIVE and of CREATE TRIGGER. */
#define FOR_READING "{AccessExclusiveLock}"
#define FOR_WRITING "{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}"
#define FOR_TRIGGERS                                                                                         \
    "{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,"              \
    "AccessExclusiveLock}"

/* NULL where nobody is found: a message is worth no error of its own. */
static struct result *ask(struct conn *c, const char *table, const char *modes)
{
    struct err ignored;
    struct result *r;
    const struct sql_var vars[] = {{"table", table}, {"modes", modes}, {NULL, NULL}};
    if (!conn_usable(c) || !pg_query_filled(c, sql_catalog_blocker, vars, &r, &ignored))
        return NULL;
    if (result_rows(r) != 0)
        return r;
    result_free(r);
    return NULL;
}

bool catalog_locked(struct conn *c, struct arena *a, uint32_t **oids, size_t *n, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(c, sql_catalog_locked_roots, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    *n = (size_t)result_rows(r);
    *oids = arena_alloc(a, (*n + 1) * sizeof **oids);
    for (size_t i = 0; i < *n; i++)
        (*oids)[i] = (uint32_t)result_int(r, (int)i, 0);
    result_free(r);
    return true;
}

void catalog_find_blocker(struct conn *c, const char *table, char *out, size_t size)
{
    struct result *r = ask(c, table, FOR_TRIGGERS);
    snprintf(out, size, "%s", r != NULL ? result_text(r, 0, 3) : "");
    result_free(r);
}

/* state: what the relation is for repl ("is locked"). Columns as blocker.sql has them. */
static void tell(const struct result *r, int row, const char *state, struct err *e)
{
    const char *locked = result_text(r, row, 2);
    if (!result_null(r, row, 1))
        err_table(e, result_text(r, row, 0), result_text(r, row, 1));
    bool itself = strcmp(e->table, locked) == 0; /* else a partition of it */
    err_text(e, "%s %s on the %s by %s", itself ? result_text(r, row, 5) : locked, state, e->side,
             result_text(r, row, 3));
    e->blocker.pid = (int)result_int(r, row, 4);
    snprintf(e->blocker.user, sizeof e->blocker.user, "%s", result_text(r, row, 6));
    snprintf(e->blocker.name, sizeof e->blocker.name, "%s", result_text(r, row, 7));
    e->blocker.query_began = strtod(result_text(r, row, 8), NULL);
    if (!result_null(r, row, 4))
        err_hint(
            e,
            "wait for that transaction, or end it; its session, on the %s: SELECT pg_terminate_backend(%s)",
            e->side, result_text(r, row, 4));
    err_hint(e, "wait for that transaction, or end it");
}

void catalog_blame(struct conn *c, struct err *e)
{
    /* What repl wants there, the likeliest first. Rows are written on the target, and a TRUNCATE comes over as one. */
    static const struct want {
        const char *modes, *state;
    } source[] = {{FOR_READING, "is locked"}},
      target[] = {{FOR_WRITING, "is locked"},
                  {"{RowShareLock,RowExclusiveLock}", "has rows locked"},
                  {"{AccessShareLock,ShareUpdateExclusiveLock}", "is in use (a TRUNCATE waits)"}};
    const bool writes = conn_side(c) == SIDE_TARGET;
    const struct want *want = writes ? target : source;
    /* Where the table is not known, only what stands in everybody's way is told from what others do. */
    const size_t n = writes && e->table[0] != '\0' ? sizeof target / sizeof *target : 1;
    struct result *r = NULL;
    size_t at = 0;
    while (at < n && (r = ask(c, e->table, want[at].modes)) == NULL)
        at++;
    snprintf(e->side, sizeof e->side, "%s", side_name(conn_side(c)));
    if (r != NULL) {
        tell(r, 0, want[at].state, e);
    } else if (writes && e->table[0] == '\0') {
        err_text(e, "somebody on the %s holds a lock for longer than repl waits", e->side);
        err_hint(e, "who, while it waits, on the target: SELECT pid, pg_blocking_pids(pid) FROM "
                    "pg_stat_activity WHERE application_name LIKE 'repl: %%'");
    } else {
        err_text(e, "somebody on the %s held a lock for longer than repl waits, and has let it go since",
                 e->side);
    }
    result_free(r);
}

void catalog_name_root(struct conn *c, struct err *e)
{
    struct err ignored;
    struct result *r;
    const struct sql_var vars[] = {{"table", e->table}, {NULL, NULL}};
    if (!conn_usable(c) || !pg_query_filled(c, sql_catalog_root_of, vars, &r, &ignored))
        return;
    if (result_rows(r) != 0) {
        const struct relation root = {.schema = result_text(r, 0, 0), .name = result_text(r, 0, 1)};
        err_relation(e, &root);
    }
    result_free(r);
}

bool catalog_waiting(struct conn *c, const int *pids, size_t n, struct arena *a, struct lock_wait **out,
                     size_t *count, struct err *e)
{
    struct result *r;
    struct buf list = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%d", i != 0 ? "," : "", pids[i]);
    const struct sql_var vars[] = {{"pids", arena_printf(a, "{%s}", buf_text(&list))}, {NULL, NULL}};
    buf_free(&list);
    if (!pg_query_filled(c, sql_catalog_waiting, vars, &r, e))
        return false;
    *count = (size_t)result_rows(r);
    *out = arena_alloc(a, (*count + 1) * sizeof **out);
    for (size_t i = 0; i < *count; i++) {
        struct lock_wait *w = &(*out)[i];
        w->pid = (int)result_int(r, (int)i, 9);
        err_set(&w->why, ERR_SQL, "%s", "");
        snprintf(w->why.sqlstate, sizeof w->why.sqlstate, "55P03");
        snprintf(w->why.side, sizeof w->why.side, "%s", side_name(conn_side(c)));
        tell(r, (int)i, "is locked", &w->why);
    }
    result_free(r);
    return true;
}

void catalog_name_shortage(struct conn *c, struct err *e)
{
    struct err ignored; /* a message is worth no error of its own */
    struct result *r;
    if (!conn_usable(c) ||
        !pg_query_filled(c, sql_catalog_lock_table, (const struct sql_var[]){{NULL, NULL}}, &r, &ignored))
        return;
    const int64_t each = result_int(r, 0, 0), slots = result_int(r, 0, 1), most = result_int(r, 0, 2),
                  used = result_int(r, 0, 3), better = result_int(r, 0, 4);
    result_free(r);
    e->hint[0] = '\0'; /* the server's own has no number */
    if (used + most > slots)
        err_hint(
            e,
            "the %s's lock table is full: %lld of about %lld locks are taken, and repl needs up to %lld. Set "
            "max_locks_per_transaction = %lld (it is %lld) and restart that server (RDS: in the parameter "
            "group), or end what holds so many",
            side_name(conn_side(c)), (long long)used, (long long)slots, (long long)most, (long long)better,
            (long long)each);
    else
        err_hint(e,
                 "the %s has too little memory: a larger plan, a smaller work_mem, or fewer workers: repl "
                 "set --jobs N",
                 side_name(conn_side(c)));
}
