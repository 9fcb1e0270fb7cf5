/* The order in which tables are written in one transaction: what others want to see comes first. Cycles are cut where they
 * are met; what that leaves undone is tried again behind the others (flow/apply.c). */
#include <stdlib.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

struct want {
    size_t from, seen; /* places in the relations */
};

struct visit {
    size_t at, next; /* the table, and the first of its wants that is not followed yet */
};

static int by_from(const void *x, const void *y)
{
    const struct want *a = x, *b = y;
    return a->from != b->from ? (a->from > b->from) - (a->from < b->from)
                              : (a->seen > b->seen) - (a->seen < b->seen);
}

static int by_oid(const void *x, const void *y)
{
    const struct relation *a = *(struct relation *const *)x, *b = *(struct relation *const *)y;
    return (a->oid > b->oid) - (a->oid < b->oid);
}

/* Where the table of that oid is in l; l->count: nowhere. */
static size_t place_of(struct relation **sorted, const struct relations *l, uint32_t oid)
{
    const struct relation key = {.oid = oid}, *wanted = &key;
    struct relation **found = bsearch(&wanted, sorted, l->count, sizeof *sorted, by_oid);
    return found != NULL ? (size_t)(*found - l->items) : l->count;
}

static size_t take_wants(const struct result *r, const struct relations *l, struct arena *a,
                         struct want **out)
{
    struct relation **sorted = arena_alloc(a, (l->count + 1) * sizeof *sorted);
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        sorted[i] = &l->items[i];
    qsort(sorted, l->count, sizeof *sorted, by_oid);
    *out = arena_alloc(a, ((size_t)result_rows(r) + 1) * sizeof **out);
    for (int i = 0; i < result_rows(r); i++) {
        struct want w = {place_of(sorted, l, (uint32_t)result_int(r, i, 0)),
                         place_of(sorted, l, (uint32_t)result_int(r, i, 1))};
        if (w.from != l->count && w.seen != l->count && w.from != w.seen)
            (*out)[n++] = w;
    }
    qsort(*out, n, sizeof **out, by_from);
    return n;
}

/* Depth first: a table has its rank when all that it wants to see have theirs. */
static void rank_all(struct relations *l, const struct want *wants, size_t nwants, struct arena *a)
{
    size_t *first = arena_alloc(a, (l->count + 1) * sizeof *first), depth = 0, ranked = 0, w = 0;
    bool *met = arena_alloc(a, l->count + 1);
    struct visit *stack = arena_alloc(a, (l->count + 1) * sizeof *stack);
    for (size_t i = 0; i < l->count; i++) {
        while (w < nwants && wants[w].from < i)
            w++;
        first[i] = w;
        met[i] = false;
    }
    for (size_t i = 0; i < l->count; i++) {
        if (met[i])
            continue;
        met[i] = true;
        stack[depth++] = (struct visit){i, first[i]};
        while (depth != 0) {
            struct visit *v = &stack[depth - 1];
            if (v->next == nwants || wants[v->next].from != v->at) {
                l->items[v->at].rank = ranked++;
                depth--;
                continue;
            }
            size_t seen = wants[v->next++].seen;
            if (met[seen])
                continue;
            met[seen] = true;
            stack[depth++] = (struct visit){seen, first[seen]};
        }
    }
}

bool catalog_rank(struct conn *c, struct relations *l, struct arena *a, struct err *e)
{
    struct result *r;
    struct want *wants;
    if (!pg_query_filled(c, sql_catalog_reads, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    size_t n = take_wants(r, l, a, &wants);
    result_free(r);
    rank_all(l, wants, n, a);
    return true;
}
