#include "large_objects.h"

#include <stdio.h>
#include <string.h>

#include "repl/embedded.h"

/* Read and written in pieces of so many bytes. */
enum { PIECE = 1 << 20 };

static bool read_all(struct conn *c, struct result **out, struct err *e)
{
    return pg_query_filled(c, sql_cutover_large_objects, (const struct sql_var[]){{NULL, NULL}}, out, e) ||
           err_context(e, "reading large objects of the %s", side_name(conn_side(c)));
}

/* Row of the object in a list ordered by oid, from *at on; -1 where it is not there. */
static int find(const struct result *l, int *at, int64_t oid)
{
    while (*at < result_rows(l) && result_int(l, *at, 0) < oid)
        (*at)++;
    return *at < result_rows(l) && result_int(l, *at, 0) == oid ? *at : -1;
}

/* One piece in hexadecimal; *len is its length in bytes. */
static bool move_piece(struct conn *source, struct conn *target, const char *oid, int64_t offset, size_t *len,
                       struct err *e)
{
    char from[24], size[24];
    struct result *r;
    snprintf(from, sizeof from, "%lld", (long long)offset);
    snprintf(size, sizeof size, "%d", PIECE);
    const char *const read[] = {oid, from, size};
    if (!pg_query(source, "SELECT pg_catalog.encode(pg_catalog.lo_get($1::oid, $2::bigint, $3::int), 'hex')",
                  3, read, &r, e))
        return false;
    *len = strlen(result_text(r, 0, 0)) / 2;
    const char *const write[] = {oid, from, result_text(r, 0, 0)};
    struct result *done = NULL;
    bool ok = *len == 0 ||
              pg_query(target, "SELECT pg_catalog.lo_put($1::oid, $2::bigint, pg_catalog.decode($3, 'hex'))",
                       3, write, &done, e);
    result_free(done);
    result_free(r);
    return ok;
}

static bool copy_pieces(struct conn *source, struct conn *target, const char *oid, struct err *e)
{
    size_t len = PIECE;
    for (int64_t offset = 0; len == PIECE; offset += PIECE)
        if (!move_piece(source, target, oid, offset, &len, e))
            return false;
    return true;
}

static bool copy_one(struct conn *source, struct conn *target, const char *oid, bool there, struct arena *a,
                     struct err *e)
{
    char *begin =
        arena_printf(a, "BEGIN; %s%s%sSELECT pg_catalog.lo_create(%s)",
                     there ? "SELECT pg_catalog.lo_unlink(" : "", there ? oid : "", there ? "); " : "", oid);
    if (pg_exec(target, begin, e) && copy_pieces(source, target, oid, e) && pg_exec(target, "COMMIT", e))
        return true;
    pg_reset(target);
    return err_context(e, "copying large object %s", oid);
}

bool large_objects_copy(struct conn *source, struct conn *target, struct arena *a, size_t *copied,
                        struct err *e)
{
    struct result *there = NULL, *here = NULL;
    int at = 0;
    *copied = 0;
    bool ok = read_all(source, &there, e) && read_all(target, &here, e);
    for (int i = 0; ok && i < result_rows(there); i++) {
        int row = find(here, &at, result_int(there, i, 0));
        if (row >= 0 && strcmp(result_text(here, row, 1), result_text(there, i, 1)) == 0)
            continue;
        ok = copy_one(source, target, result_text(there, i, 0), row >= 0, a, e);
        *copied += ok;
    }
    result_free(there);
    result_free(here);
    return ok;
}
