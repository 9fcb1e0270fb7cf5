/* What the first copy is cut from: the heaps of tables, and the keys at which they can be cut. */
#include <stdlib.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

static bool run(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                struct err *e)
{
    return pg_query_filled(c, text, vars, out, e);
}

static struct heap heap_of(const struct result *r, int row, struct arena *a)
{
    return (struct heap){
        .oid = (uint32_t)result_int(r, row, 1),
        .sql = arena_strdup(a, result_text(r, row, 2)),
        .filenode = (uint32_t)result_int(r, row, 3),
        .blocks = result_int(r, row, 4),
        .bytes = result_int(r, row, 5),
    };
}

/* The rows come in the order of the tables' oids: the first of that table by bisection. */
static int first_row(const struct result *r, uint32_t oid)
{
    int low = 0, high = result_rows(r);
    while (low < high) {
        int middle = (low + high) / 2;
        if ((uint32_t)result_int(r, middle, 0) < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_heaps(const struct result *r, uint32_t oid, struct arena *a, struct heap_list *out)
{
    int first = first_row(r, oid), end = first;
    while (end < result_rows(r) && (uint32_t)result_int(r, end, 0) == oid)
        end++;
    out->locked = false;
    out->count = (size_t)(end - first);
    out->items = arena_alloc(a, (out->count + 1) * sizeof *out->items);
    for (int row = first; row < end; row++) {
        out->items[row - first] = heap_of(r, row, a);
        out->locked = out->locked || result_null(r, row, 4);
    }
}

bool catalog_heaps(struct conn *c, const struct relation *const *tables, size_t n, struct arena *a,
                   struct heap_list *out, struct err *e)
{
    struct result *r;
    struct buf oids = {0};
    buf_puts(&oids, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(&oids, "%s%u", i != 0 ? "," : "", tables[i]->oid);
    buf_puts(&oids, "}");
    const struct sql_var vars[] = {{"oids", oids.data}, {NULL, NULL}};
    bool ok = run(c, sql_catalog_heaps, vars, &r, e);
    buf_free(&oids);
    if (!ok)
        return n != 1 ? false : err_relation(e, tables[0]);
    for (size_t i = 0; i < n; i++)
        take_heaps(r, tables[i]->oid, a, &out[i]);
    result_free(r);
    return true;
}

/* ---- keys to cut at ---- */

/* So many blocks a range keep the ranges within a fifth or so of each other; more than so many are not worth it. */
enum { SAMPLE_BLOCKS_PER_RANGE = 30, SAMPLE_BLOCKS_MAX = 20000 };

static const char *percent(struct arena *a, const struct heap *h, size_t nranges)
{
    double wanted = (double)nranges * SAMPLE_BLOCKS_PER_RANGE;
    if (wanted > SAMPLE_BLOCKS_MAX)
        wanted = SAMPLE_BLOCKS_MAX;
    double share = h->blocks > 0 ? 100 * wanted / (double)h->blocks : 100;
    return arena_printf(a, "%.6f", share < 100 ? share : 100);
}

static void key_expression(struct buf *b, const struct relation *r, size_t k)
{
    key_column_sql(b, r, r, k, "t.");
    buf_puts(b, r->key[k].collate);
}

static char *ascending(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nrange; k++) {
        buf_puts(&b, k != 0 ? ", " : "");
        key_expression(&b, r, k);
        buf_printf(&b, " USING %s", r->key[k].lt);
    }
    return buf_take(a, &b);
}

/* ARRAY[format('%s', t.a), ...]: the values as text, by the output functions of their types. */
static char *values(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nrange; k++) {
        buf_puts(&b, k != 0 ? ", pg_catalog.format('%s', t." : "ARRAY[pg_catalog.format('%s', t.");
        sql_ident(&b, relation_key(r, k)->name);
        buf_puts(&b, ")");
    }
    buf_puts(&b, "]");
    return buf_take(a, &b);
}

static char *share_array(struct arena *a, const double *shares, size_t n)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%.9f", i != 0 ? "," : "", shares[i]);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

bool catalog_cuts(struct conn *c, const char *search_path, const struct relation *r, const struct heap *h,
                  const double *shares, size_t n, struct arena *a, const char **keys, struct err *e)
{
    struct result *found;
    const struct sql_var vars[] = {
        {"table", h->sql},     {"percent", percent(a, h, n + 1)},     {"order", ascending(a, r)},
        {"key", values(a, r)}, {"shares", share_array(a, shares, n)}, {NULL, NULL},
    };
    char *sql = sql_fill(sql_catalog_cuts, vars);
    bool ok = search_path_query(c, relation_names_objects(r) ? NULL : search_path, sql, &found, e);
    free(sql);
    if (!ok)
        return err_relation(e, r);
    const char *last = "";
    for (size_t i = 0; i < n; i++)
        keys[i] = NULL;
    for (int row = 0; row < result_rows(found); row++) {
        const char *key = arena_strdup(a, result_text(found, row, 1));
        if (strcmp(key, last) != 0)
            keys[result_int(found, row, 0) - 1] = last = key;
    }
    result_free(found);
    return true;
}

char *catalog_range_key(struct arena *a, const struct relation *r)
{
    return ascending(a, r);
}
