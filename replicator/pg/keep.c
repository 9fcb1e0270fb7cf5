/*
 * Statements that a session keeps prepared: parsed once, and planned once where they have no parameters or the server
 * finds that these do not matter. The name is made of the text, so whoever asks twice finds what is there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conn_private.h"
#include "repl/hash.h"

void pg_kept_name(const char *definition, char name[PG_KEPT_NAME])
{
    snprintf(name, PG_KEPT_NAME, "repl_%016llx", (unsigned long long)hash64_str(definition));
}

void pg_kept_forget(struct conn *c)
{
    c->kept_unknown = true;
}

struct kept pg_kept(struct arena *a, const char *definition, const char *params)
{
    char name[PG_KEPT_NAME];
    pg_kept_name(definition, name);
    return (struct kept){arena_strdup(a, definition), params[0] != '\0'
                                                          ? arena_printf(a, "EXECUTE %s (%s)", name, params)
                                                          : arena_printf(a, "EXECUTE %s", name)};
}

static bool is_kept(const struct conn *c, uint64_t hash)
{
    for (size_t i = 0; i < c->nkept; i++)
        if (c->kept[i] == hash)
            return true;
    return false;
}

/* After a failure nobody knows which of them are there. */
static bool begin_anew(struct conn *c, struct err *e)
{
    c->nkept = 0;
    c->kept_unknown = !pg_exec(c, "DEALLOCATE ALL", e);
    return !c->kept_unknown;
}

bool pg_keep(struct conn *c, const char *const *definitions, size_t n, struct err *e)
{
    struct buf b = {0};
    char name[PG_KEPT_NAME];
    if ((c->kept_unknown || c->nkept + n > PG_KEPT_MOST) && !begin_anew(c, e))
        return false;
    size_t before = c->nkept;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hash64_str(definitions[i]);
        if (is_kept(c, hash))
            continue;
        pg_kept_name(definitions[i], name);
        buf_printf(&b, "PREPARE %s %s;\n", name, definitions[i]);
        c->kept[c->nkept++] = hash;
    }
    bool ok = c->nkept == before || pg_exec(c, b.data, e);
    c->kept_unknown = !ok;
    buf_free(&b);
    return ok;
}

bool pg_kept_query(struct conn *c, const char *definition, int nparams, const char *const *params,
                   struct result **out, struct err *e)
{
    char name[PG_KEPT_NAME];
    if (!pg_keep(c, &definition, 1, e))
        return false;
    pg_kept_name(definition, name);
    if (!conn_usable(c) || PQsendQueryPrepared(c->pg, name, nparams, params, NULL, NULL, 0) == 0)
        return conn_fail(c, e);
    return conn_one_result(c, out, e);
}
