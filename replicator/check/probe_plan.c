/* Which pages of the source the probe reads: slices spread evenly over the largest tables. */
#include "probe.h"

/* A slice is short, so that many of them come whole in the time; all together are what the source reads at most. */
enum { SLICE_BYTES = 4000000, MAX_SLICES = 64, MAX_TABLES = 16, SAMPLED_BEFORE = 140000 };

/* Tables are in no order of size; the largest few, largest first. */
static size_t largest(const struct relation *const *tables, size_t n, const struct relation **out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = count < MAX_TABLES ? count++ : MAX_TABLES;
        while (at > 0 && out[at - 1]->bytes < tables[i]->bytes) {
            if (at < MAX_TABLES)
                out[at] = out[at - 1];
            at--;
        }
        if (at < MAX_TABLES)
            out[at] = tables[i];
    }
    return count;
}

/* Before PostgreSQL 14 a range of blocks is read by a scan of the whole table; a sample of blocks is not. */
static const char *slice_sql(struct arena *a, const struct relation *r, const struct heap *h, int64_t from,
                             int64_t to, bool sampled)
{
    struct buf b = {0};
    const char *comma = "";
    buf_puts(&b, "COPY (SELECT ");
    for (size_t i = 0; i < r->ncolumns; i++) {
        if (r->columns[i].generated)
            continue;
        buf_printf(&b, "%st.", comma);
        sql_ident(&b, r->columns[i].name);
        comma = ", ";
    }
    buf_printf(&b, " FROM ONLY %s t", h->sql);
    if (sampled)
        buf_printf(&b, " TABLESAMPLE SYSTEM (%.6f)", 100.0 * (double)(to - from) / (double)h->blocks);
    else
        buf_printf(&b, " WHERE t.ctid >= '(%lld,0)'::pg_catalog.tid AND t.ctid < '(%lld,0)'::pg_catalog.tid",
                   (long long)from, (long long)to);
    buf_printf(&b, ") TO STDOUT (FORMAT %s)", relation_binary(r) ? "binary" : "text");
    return buf_take(a, &b);
}

struct whole {
    const struct relation *table;
    struct heap heap;
    int64_t slice_blocks, slices;
};

static bool list_heaps(struct conn *source, const struct relation *const *tables, size_t n, struct arena *a,
                       struct whole **out, size_t *count, struct err *e)
{
    size_t cap = 0;
    struct heap_list *lists = arena_alloc(a, (n + 1) * sizeof *lists);
    *out = NULL;
    *count = 0;
    if (!catalog_heaps(source, tables, n, a, lists, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct heap *heaps = lists[i].items;
        size_t nheaps = lists[i].count;
        if (nheaps > MAX_TABLES) /* of thousands of partitions the largest */
            nheaps = MAX_TABLES;
        struct whole *more = arena_alloc(a, (cap + nheaps + 1) * sizeof *more);
        for (size_t k = 0; k < *count; k++)
            more[k] = (*out)[k];
        *out = more;
        cap += nheaps;
        for (size_t k = 0; k < nheaps; k++) {
            if (heaps[k].blocks == 0)
                continue;
            double block = (double)heaps[k].bytes / (double)heaps[k].blocks; /* with its share of TOAST */
            int64_t blocks = (int64_t)(SLICE_BYTES / block) + 1;
            more[(*count)++] = (struct whole){.table = tables[i],
                                              .heap = heaps[k],
                                              .slice_blocks = blocks,
                                              .slices = (heaps[k].blocks + blocks - 1) / blocks};
        }
    }
    return true;
}

bool probe_plan(struct probe *p, struct conn *rows, const struct relation *const *tables, size_t n,
                struct arena *a, struct err *e)
{
    const struct relation *few[MAX_TABLES];
    struct whole *heaps;
    size_t nheaps, nfew = largest(tables, n, few);
    int64_t all = 0, seen = 0;
    if (!list_heaps(rows, few, nfew, a, &heaps, &nheaps, e))
        return false;
    for (size_t i = 0; i < nheaps; i++)
        all += heaps[i].slices;
    int64_t take = all < MAX_SLICES ? all : MAX_SLICES;
    p->slices = arena_alloc(a, (size_t)(take + 1) * sizeof *p->slices);
    p->nslices = 0;
    for (size_t i = 0; i < nheaps; seen += heaps[i++].slices)
        for (int64_t k = 0; k < heaps[i].slices; k++) {
            const struct whole *w = &heaps[i];
            int64_t from = k * w->slice_blocks, to = from + w->slice_blocks;
            if ((seen + k) * take / all != (int64_t)p->nslices) /* the next of those taken is further on */
                continue;
            if (to > w->heap.blocks)
                to = w->heap.blocks;
            p->slices[p->nslices++] = (struct probe_slice){
                .table = w->table,
                .sql = slice_sql(a, w->table, &w->heap, from, to, conn_server_version(rows) < SAMPLED_BEFORE),
                .bytes = (double)w->heap.bytes / (double)w->heap.blocks * (double)(to - from)};
        }
    return true;
}
