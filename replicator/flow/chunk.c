#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/clock.h"
#include "repl/fault.h"
#include "repl/flow.h"
#include "streams.h"

int64_t chunk_blocks(int64_t total_bytes, int64_t heap_bytes, int64_t heap_blocks, int jobs,
                     int64_t min_bytes, int64_t max_bytes)
{
    if (heap_blocks <= 0 || heap_bytes <= 0)
        return 1;
    /* The last chunk to end begins at most one chunk before the others are done: with this many a worker, the wait
     * is a few percent of the whole. */
    enum { CHUNKS_PER_JOB = 12 };
    int64_t bytes = total_bytes / ((int64_t)jobs * CHUNKS_PER_JOB);
    if (bytes < min_bytes)
        bytes = min_bytes;
    if (bytes > max_bytes)
        bytes = max_bytes;
    int64_t chunks = (heap_bytes + bytes - 1) / bytes;
    return (heap_blocks + chunks - 1) / chunks;
}

static char *copy_in_sql(const struct chunk_copy *c, bool begin)
{
    struct buf b = {0};
    const struct relation *r = c->relation;
    buf_printf(&b, "%sCOPY %s (", begin ? "BEGIN; " : "", r->sql);
    const char *comma = "";
    for (size_t i = 0; i < r->ncolumns; i++) {
        if (r->columns[i].generated)
            continue;
        buf_puts(&b, comma);
        sql_ident(&b, r->columns[i].name);
        comma = ", ";
    }
    buf_printf(&b, ") FROM STDIN (FORMAT %s)", c->binary ? "binary" : "text");
    return b.data;
}

static char *mark_sql(const struct chunk_copy *c)
{
    struct buf b = {0};
    buf_puts(&b, "INSERT INTO ");
    sql_ident(&b, c->schema);
    buf_printf(&b, ".chunk (relation, heap, chunk, rows, bytes) VALUES (%d, %u, %lld, %lld, %lld); COMMIT",
               c->mark.relation, c->mark.heap, (long long)c->mark.chunk, (long long)c->mark.rows,
               (long long)c->mark.bytes);
    return b.data;
}

/* Rows of the open streams go over; afterwards both connections have nothing outstanding. */
static bool move_rows(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e)
{
    struct result *copied;
    if (!copier_run(source, target, c->progress, e))
        return false;
    if (!stream_result(target, &copied, e))
        return false;
    c->mark.rows += result_affected(copied);
    result_free(copied);
    fault_point("chunk.copied");
    return stream_end(target, e) && stream_end(source, e);
}

/* The source first: where its table was rewritten, nothing was begun on the target. */
static bool copy_slice(struct conn *source, struct conn *target, struct chunk_copy *c, size_t slice,
                       struct err *e)
{
    char *copy_in = copy_in_sql(c, slice == 0);
    c->progress->limited_until_ms = c->slice_ms != 0 ? clock_ms() + c->slice_ms : 0;
    bool ok = pg_send(source, c->source_sql[slice], e) && stream_open(source, PG_COPY_OUT, e) &&
              pg_send(target, copy_in, e) && stream_open(target, PG_COPY_IN, e) &&
              move_rows(source, target, c, e);
    free(copy_in);
    return ok;
}

bool chunk_copy(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e)
{
    const uint64_t rows = atomic_load(&c->progress->rows), bytes = atomic_load(&c->progress->bytes);
    conn_interrupt_at(source, INTERRUPT_SOON); /* a chunk is cheap to repeat */
    conn_interrupt_at(target, INTERRUPT_SOON);
    c->mark.rows = 0;
    c->progress->given_up = false;
    bool ok = true;
    for (size_t i = 0; ok && i < c->nslices; i++)
        ok = copy_slice(source, target, c, i, e);
    if (ok) {
        c->mark.bytes = (int64_t)(atomic_load(&c->progress->bytes) - bytes);
        char *mark = mark_sql(c);
        fault_point("chunk.before_commit");
        ok = pg_exec(target, mark, e);
        free(mark);
        fault_point("chunk.after_commit");
    }
    if (!ok) {
        pg_reset(source);
        pg_reset(target);
        atomic_store(&c->progress->rows, rows);
        atomic_store(&c->progress->bytes, bytes);
        err_table(e, c->relation->schema, c->relation->name);
    }
    conn_interrupt_at(source, INTERRUPT_NOW);
    conn_interrupt_at(target, INTERRUPT_NOW);
    return ok;
}
