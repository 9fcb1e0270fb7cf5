/* Text: whether the target can hold the source's, and whether both sort and compare it alike. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* ---- encoding ---- */

bool step_encoding(struct look *l, enum side side, struct err *e)
{
    const char *from = l->facts[SIDE_SOURCE].encoding, *to = l->facts[SIDE_TARGET].encoding;
    (void)side;
    (void)e;
    if (strcmp(from, to) == 0 && strcmp(from, "SQL_ASCII") != 0)
        look_ok(l, "encoding", "", "%s on both sides", from);
    else if (strcmp(from, "SQL_ASCII") == 0)
        look_add(
            l, FINDING_WARNING, "encoding", "source", "",
            arena_printf(
                l->a,
                "the database is SQL_ASCII, which checks nothing: rows that are not valid %s are refused "
                "by the target (%s)",
                strcmp(to, from) == 0 ? "UTF8" : to, to),
            "find out in which encoding the application writes and mend the odd rows first; client_encoding "
            "is "
            "UTF8 in repl's sessions");
    else if (strcmp(to, "UTF8") == 0)
        look_ok(l, "encoding", "",
                "%s on the source is converted to the target's UTF8, which holds all of it", from);
    else
        look_add(
            l, FINDING_WARNING, "encoding", "target", "",
            arena_printf(l->a,
                         "the database's encoding is %s, the source's %s: text that does not exist in the "
                         "target's encoding cannot be copied",
                         to, from),
            arena_printf(l->a, "CREATE DATABASE ... ENCODING '%s' TEMPLATE template0", from));
    return true;
}

/* ---- the databases' collations ---- */

/* "libc C.UTF-8", with the LC_CTYPE where it differs. */
static const char *locale_name(struct look *l, const struct result *r)
{
    const char *provider = result_text(r, 0, 0), *collate = result_text(r, 0, 1),
               *ctype = result_text(r, 0, 2);
    if (!result_null(r, 0, 3))
        return arena_printf(l->a, "%s %s", provider, result_text(r, 0, 3));
    if (strcmp(collate, ctype) != 0)
        return arena_printf(l->a, "%s %s (LC_CTYPE %s)", provider, collate, ctype);
    return arena_printf(l->a, "%s %s", provider, collate);
}

/* A library that sorts otherwise than when an index was built makes that index wrong; unique ones let doubles in. */
static bool check_version(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (conn_server_version(look_conn(l, side)) < 150000)
        return true;
    if (!pg_query_filled(look_conn(l, side), sql_check_collation_version,
                         (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    if (!result_bool(r, 0, 2))
        look_add(
            l, FINDING_WARNING, "collation", side_name(side), "",
            arena_printf(
                l->a,
                "the database was made with version %s of its collation, the library has %s: indexes over "
                "text may be wrong, unique ones may hold doubles, which the target's index then refuses",
                result_text(r, 0, 0), result_text(r, 0, 1)),
            arena_printf(l->a, "REINDEX DATABASE %s; ALTER DATABASE %s REFRESH COLLATION VERSION",
                         l->facts[side].database, l->facts[side].database));
    result_free(r);
    return true;
}

static bool compare_databases(struct look *l, struct err *e)
{
    const char *names[2];
    for (enum side s = SIDE_SOURCE; s <= SIDE_TARGET; s++) {
        struct result *r;
        if (!pg_query_filled(look_conn(l, s), sql_check_locale, (const struct sql_var[]){{NULL, NULL}}, &r,
                             e))
            return false;
        names[s] = locale_name(l, r);
        result_free(r);
    }
    if (strcmp(names[SIDE_SOURCE], names[SIDE_TARGET]) == 0)
        look_ok(l, "collation", "", "%s on both sides", names[SIDE_SOURCE]);
    else
        look_add(l, FINDING_WARNING, "collation", "target", "",
                 arena_printf(
                     l->a,
                     "the database's collation is %s, the source's %s: ORDER BY and ranges over text give "
                     "another order there; keys are compared for equality alone, so the copy is right",
                     names[SIDE_TARGET], names[SIDE_SOURCE]),
                 "if the order matters: CREATE DATABASE ... LC_COLLATE, LC_CTYPE (and LOCALE_PROVIDER) as "
                 "the source "
                 "has them, TEMPLATE template0");
    return true;
}

/* ---- collations of columns ---- */

static bool check_missing(struct look *l, struct err *e)
{
    struct result *r;
    char *names;
    const struct sql_var oids[] = {{"oids", table_oids(l, &l->tables)}, {NULL, NULL}};
    if (!pg_query_filled(l->source, sql_check_collations_used, oids, &r, e))
        return false;
    names = arena_strdup(l->a, result_text(r, 0, 0));
    result_free(r);
    if (!pg_query_filled(l->target, sql_check_collations_missing,
                         (const struct sql_var[]){{"names", names}, {NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++)
        look_add(
            l, l->s->no_schema ? FINDING_WARNING : FINDING_BLOCKER, "collation", "target", "",
            arena_printf(l->a, "columns of the source use the collation %s, which is not there",
                         result_text(r, i, 0)),
            "install that locale on the target's server and call pg_import_system_collations('pg_catalog'), "
            "change the columns on the source, or make the tables yourself and give --no-schema");
    result_free(r);
    return true;
}

static bool check_nondeterministic(struct look *l, struct err *e)
{
    struct result *r;
    const struct sql_var oids[] = {{"oids", table_oids(l, &l->tables)}, {NULL, NULL}};
    if (!pg_query_filled(l->source, sql_check_collations_odd, oids, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++)
        look_add(l, FINDING_WARNING, "collation", "source", result_text(r, i, 0),
                 "a unique index has a nondeterministic collation: which values are equal depends on the ICU "
                 "version of "
                 "each server",
                 "compare pg_collation_actual_version() of that collation on both sides; where they differ, "
                 "look for "
                 "values that only one side takes for equal");
    result_free(r);
    return true;
}

bool step_collation(struct look *l, enum side side, struct err *e)
{
    (void)side;
    return compare_databases(l, e) && check_version(l, SIDE_SOURCE, e) && check_version(l, SIDE_TARGET, e) &&
           check_missing(l, e) && check_nondeterministic(l, e);
}
