/* Who holds the lock that somebody waited for in vain. Asked afterwards, so he may be gone again. */
#include <stdio.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

/* What stands in the way of ACCESS SHARE, and of CREATE TRIGGER. */
#define FOR_READING "{AccessExclusiveLock}"
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

static void tell(const struct result *r, struct err *e)
{
    const char *locked = result_text(r, 0, 2);
    err_table(e, result_text(r, 0, 0), result_text(r, 0, 1));
    bool itself = strcmp(e->table, locked) == 0; /* else a partition of it */
    snprintf(e->text, sizeof e->text, "%s is locked on the %s by %s", itself ? "the table" : locked, e->side,
             result_text(r, 0, 3));
    if (!result_null(r, 0, 4))
        err_hint(
            e,
            "wait for that transaction, or end it; its session, on the %s: SELECT pg_terminate_backend(%s)",
            e->side, result_text(r, 0, 4));
    err_hint(e, "wait for that transaction, or end it");
}

void catalog_blame(struct conn *c, struct err *e)
{
    /* Rows are written on the target, which waits for more than reading does. */
    const char *modes = conn_side(c) == SIDE_TARGET
                            ? "{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}"
                            : FOR_READING;
    struct result *r = ask(c, e->table, modes);
    snprintf(e->side, sizeof e->side, "%s", side_name(conn_side(c)));
    if (r != NULL)
        tell(r, e);
    else
        snprintf(e->text, sizeof e->text,
                 "somebody on the %s held a lock for longer than repl waits, and has let it go since",
                 e->side);
    result_free(r);
}
