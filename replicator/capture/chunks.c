/*
 * The texts that bring chunks of the first copy out of the source.
 *
 * What must hold: the chunks of a table together bring exactly its rows that did not change since T0, when capture
 * began, each once. A row whose key is in no delta that the chunk's snapshot sees has not changed since T0, nor come
 * since. Such a row
 *   - stays in its place, as long as the heap is the same file (which chunk_look asks): ranges of blocks cut the heap into
 *     parts, so it stands in one of them. Blocks that come behind the last range hold only rows that came since.
 *   - keeps its key: ranges of keys cut all keys into parts, by one total order, so it stands in one of them, wherever
 *     it lies. (The file is asked for all the same: ALTER TABLE rewrites values without a delta.)
 * Other rows are left out by every chunk, and come with the first batch.
 */
#include <assert.h>

#include "names.h"
#include "repl/embedded.h"

const char capture_chunk_begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";

/* Rows whose key is in the deltas, or whose table was truncated, are left to the first batch. Without a key nothing
 * can be left out: such a table is copied whole again when it was written to. */
static char *no_delta(struct arena *a, const struct capture *c, const struct relation *r)
{
    if (r->nkey == 0)
        return arena_strdup(a, "");
    const char *on = join_keys(a, r);
    return arena_printf(
        a,
        " AND NOT EXISTS (SELECT FROM %s d WHERE %s) AND NOT EXISTS (SELECT FROM %s d WHERE %s)"
        " AND NOT EXISTS (SELECT FROM %s WHERE relation = %d)"
        " AND NOT EXISTS (SELECT FROM %s WHERE relation = %d)",
        name_delta(a, c, r->id, 'a'), on, name_delta(a, c, r->id, 'b'), on, name_of(a, c, "truncation_a"),
        r->id, name_of(a, c, "truncation_b"), r->id);
}

/* The key columns that ranges are made of, with what is said behind each. */
static void range_columns(struct buf *b, const struct relation *r, bool order)
{
    for (size_t k = 0; k < r->nrange; k++) {
        buf_puts(b, k != 0 ? ", " : "");
        key_column_sql(b, r, r, k, "t.");
        buf_puts(b, r->key[k].collate);
        if (order)
            buf_printf(b, " %s", r->key[k].order);
    }
}

/* key: an array of text as the target stores it. What it says are values, of the types that the catalog names. */
static void bound(struct arena *a, struct buf *b, const struct relation *r, const char *operator,
                  const char * key)
{
    if (key == NULL)
        return;
    char **values;
    size_t n;
    bool fits = sql_array_parse(a, key, &values, &n) && n == r->nrange;
    assert(fits); /* whoever takes a stored plan looks (job_plan.c) */
    (void)fits;
    buf_puts(b, n > 1 ? " AND ROW(" : " AND ");
    range_columns(b, r, false);
    buf_printf(b, n > 1 ? ") %s ROW(" : " %s ", operator);
    for (size_t k = 0; k < n; k++) {
        buf_puts(b, k != 0 ? ", " : "");
        sql_literal(b, values[k]);
        buf_puts(b, r->key[k].as);
    }
    buf_puts(b, n > 1 ? ")" : "");
}

static char *range_condition(struct arena *a, const struct relation *r, const struct heap_range *range)
{
    struct buf b = {0};
    buf_puts(&b, "true");
    if (range->by_key) {
        bound(a, &b, r, r->key[0].ge, range->lower);
        bound(a, &b, r, r->key[0].lt, range->upper);
    } else {
        buf_printf(&b, " AND t.ctid >= '(%lld,0)'::pg_catalog.tid AND t.ctid < '(%lld,0)'::pg_catalog.tid",
                   (long long)range->from, (long long)range->to);
    }
    return buf_take(a, &b);
}

/* The planner knows how many rows a range of one column holds, and chooses well. Of a range of rows it knows next to
 * nothing, and might scan the table for each chunk: there the order of the index is asked for, and sorting ruled out. */
static bool walks_index(const struct relation *r, const struct heap_range *range)
{
    return range->by_key && r->nrange > 1 && (range->lower != NULL || range->upper != NULL);
}

static char *rows_of(struct arena *a, const struct relation *r, const struct heap *h, const char *condition)
{
    struct buf b = {0};
    buf_printf(&b, "(SELECT * FROM ONLY %s t WHERE %s ORDER BY ", h->sql, condition);
    range_columns(&b, r, true);
    buf_puts(&b, " OFFSET 0) t");
    return buf_take(a, &b);
}

struct chunk_sql capture_chunk_sql(struct arena *a, const struct capture *c, const struct relation *r,
                                   const struct heap *h, const struct heap_range *range, bool binary)
{
    bool walk = walks_index(r, range);
    const char *condition = range_condition(a, r, range);
    const struct sql_var vars[] = {
        {"schema", c->schema},
        {"table", h->sql},
        {"heap", arena_printf(a, "%u", h->oid)},
        {"filenode", arena_printf(a, "%u", h->filenode)},
        {"oid", arena_printf(a, "%u", r->oid)},
        {"shape", r->shape != NULL ? r->shape : ""},
        {"also", walk ? ", pg_catalog.set_config('enable_sort', 'off', true)" : ""},
        {"columns", list_columns(a, r, "t.")},
        {"from", walk ? rows_of(a, r, h, condition) : arena_printf(a, "ONLY %s t", h->sql)},
        {"where", arena_printf(a, "%s%s", walk ? "true" : condition, no_delta(a, c, r))},
        {"format", binary ? "binary" : "text"},
        {NULL, NULL},
    };
    return (struct chunk_sql){
        .lock = sql_filled(a, sql_capture_chunk_lock, vars),
        .look = sql_filled(a, sql_capture_chunk_look, vars),
        .copy = sql_filled(a, sql_capture_chunk, vars),
    };
}

/* What a fork holds has come through the source's WAL and is durable there. */