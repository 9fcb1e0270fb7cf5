/* The first copy: moving chunks. */
#include <string.h>

#include "jobs.h"

static struct heap_range range_of(const struct target_heap *h, size_t number)
{
    bool last = number + 1 == h->ncuts;
    return (struct heap_range){
        .by_key = h->range_key != NULL,
        .from = h->cuts[number].block,
        .to = last ? h->blocks : h->cuts[number + 1].block,
        .lower = h->cuts[number].key,
        .upper = last ? NULL : h->cuts[number + 1].key,
    };
}

static const struct target_heap *heap_of(const struct chunk_ref *c)
{
    return &c->table->plans[c->heap];
}

/* Blocks of one source transaction, so that a slow wire or --max-rate makes shorter ones and not longer ones (I3). */
static int64_t slice_blocks(const struct chunk_task *t, int64_t chunk)
{
    enum { FIRST_SPEED = 10000000 }; /* of each worker, while nothing was measured */
    const struct target_heap *h = heap_of(&t->chunks[0]);
    if (h->blocks <= 0)
        return chunk;
    double limit = (double)throttle_limit(t->pieces[0].progress.throttle) / t->task.jobs;
    double speed = t->speed > 0 ? t->speed / t->task.jobs : FIRST_SPEED;
    if (limit > 0 && limit < speed)
        speed = limit;
    double block = (double)h->bytes / (double)h->blocks;
    double blocks = speed * (double)t->task.settings->slice_ms / 1e3 / (block > 1 ? block : 1);
    return blocks < 1 ? 1 : blocks < (double)chunk ? (int64_t)blocks : chunk;
}

/* The texts of one piece, in slices of so many blocks. */
static void fill_texts(struct chunk_task *t, size_t i, int64_t blocks)
{
    const struct world *world = t->task.world;
    const struct chunk_ref *c = &t->chunks[i];
    struct chunk_piece *p = &t->pieces[i];
    const struct relation *r = &world->relations.items[c->table->index];
    const struct heap_range range = range_of(heap_of(c), c->number);
    struct heap heap = c->table->heaps.items[c->heap];
    heap.filenode = heap_of(c)->filenode;
    int64_t whole = range.to - range.from, step = range.by_key ? whole : blocks;
    p->copy_sql = arena_alloc(t->task.mem, (size_t)(whole / step + 1) * sizeof(*p->copy_sql));
    p->nslices = 0;
    for (int64_t at = range.from; at < range.to; at += step) {
        struct heap_range slice = range;
        slice.from = at;
        slice.to = at + step < range.to ? at + step : range.to;
        struct chunk_sql sql =
            capture_chunk_sql(t->task.mem, &world->capture, r, &heap, &slice, p->binary && !p->tiny);
        p->lock_sql = sql.lock;
        p->look_sql = sql.look;
        p->copy_sql[p->nslices++] = sql.copy;
    }
}

static void fill_piece(struct chunk_task *t, size_t i)
{
    enum { TINY_BYTES = 128 * 1024 };
    const struct world *world = t->task.world;
    const struct chunk_ref *c = &t->chunks[i];
    struct chunk_piece *p = &t->pieces[i];
    const struct relation *r = &world->relations.items[c->table->index];
    /* Columns by the source's names and order, on both sides. */
    struct relation *named = arena_alloc(t->task.mem, sizeof *named);
    *named = *r;
    named->sql = world->targets[c->table->index].sql;
    p->relation = named;
    p->binary = relation_binary(r);
    p->tiny = t->npieces > 1 && heap_of(c)->cuts[c->number].bytes <= TINY_BYTES;
    p->mark = (struct target_chunk){.relation = r->id, .heap = heap_of(c)->heap, .chunk = (int64_t)c->number};
}

static bool copy_sliced(struct chunk_task *t, struct chunk_copy *c, struct conn *source, struct conn *target,
                        int64_t blocks, struct err *e)
{
    const struct heap_range first = range_of(heap_of(&t->chunks[0]), t->chunks[0].number);
    for (size_t i = 0; i < t->npieces; i++) {
        const struct heap_range range = range_of(heap_of(&t->chunks[i]), t->chunks[i].number);
        fill_texts(t, i, t->npieces == 1 ? blocks : range.to - range.from);
    }
    bool can_be_shorter = t->npieces > 1 || (c->pieces[0].relation->nkey != 0 && !first.by_key && blocks > 1);
    c->slice_ms = can_be_shorter ? (unsigned)t->task.settings->slice_ms * SLICE_MOST : 0;
    return chunk_copy(source, target, c, e);
}

/* Wanted by the loop, which puts the chunk back; else a slice was slower than foreseen. */
static bool is_held(const struct chunk_task *t)
{
    bool held = false;
    for (size_t i = 0; i < t->npieces; i++)
        held = held || atomic_load(&t->pieces[i].progress.until_ms) != 0;
    return held;
}

static bool copy_chunk(struct chunk_task *t, struct chunk_copy *c, struct conn *source, struct conn *target,
                       struct err *e)
{
    const struct heap_range range = range_of(heap_of(&t->chunks[0]), t->chunks[0].number);
    int64_t chunk = range.to - range.from;
    int64_t blocks = c->pieces[0].relation->nkey != 0 ? slice_blocks(t, chunk) : chunk;
    while (!copy_sliced(t, c, source, target, blocks, e)) {
        /* A group that is too slow is put together anew, smaller. */
        t->put_back = c->given_up && (t->npieces > 1 || is_held(t));
        if (!c->given_up || t->put_back)
            return false;
        int64_t by_rate = slice_blocks(t, chunk);
        if (blocks > 1)
            blocks = by_rate < blocks / 2 ? by_rate : blocks / 2;
        err_clear(e);
    }
    return true;
}

static bool is_rewritten(const struct chunk_copy *c, const struct err *e)
{
    return c->failed != NULL && strcmp(e->side, side_name(SIDE_TARGET)) != 0 && err_is(e, "55000");
}

struct completion {
    struct worker *worker;
    struct chunk_task *task;
};

static bool may_complete(void *arg, struct err *e)
{
    const struct completion *c = arg;
    struct chunk_task *t = c->task;
    for (size_t i = 0; i < t->npieces; i++)
        if (t->pieces[i].completes && !fork_may_complete(c->worker, &t->task, t->chunks[i].table->index, e))
            return false;
    return true;
}

bool job_chunk(struct worker *w, struct job *job, struct err *e)
{
    struct chunk_task *t = (struct chunk_task *)job;
    struct conn *source, *target;
    t->rewritten = t->npieces;
    pg_step("copying rows", t->task.world->relations.items[t->chunks[0].table->index].label);
    if (!worker_rows(w, t->task.world, t->chunks[0].table->index, &source, e) ||
        !worker_target(w, &target, e))
        return false;
    for (size_t i = 0; i < t->npieces; i++)
        fill_piece(t, i);
    struct completion completion = {w, t};
    bool fork = conn_side(source) == SIDE_FORK;
    struct chunk_copy c = {
        .schema = t->task.sync->schema,
        .search_path = t->task.world->capture.search_path,
        .begin_sql = capture_chunk_begin_sql,
        .end_sql = fork ? "COMMIT;" /* what it has is durable where it came from */
                        : capture_end_sql(t->task.mem, &t->task.world->capture, t->written),
        .pieces = t->pieces,
        .npieces = t->npieces,
        .may_commit = fork ? may_complete : NULL,
        .arg = &completion,
    };
    if (copy_chunk(t, &c, source, target, e)) {
        t->written = c.written.number;
        return true;
    }
    if (is_rewritten(&c, e))
        t->rewritten = (size_t)(c.failed - t->pieces);
    return t->put_back || t->rewritten != t->npieces;
}

bool job_copied(struct worker *w, struct job *job, struct err *e)
{
    struct copied_task *t = (struct copied_task *)job;
    struct conn *target;
    pg_step("marking a table as copied", NULL);
    return worker_target(w, &target, e) && fork_may_complete(w, &t->task, t->index, e) &&
           target_copied(target, t->task.sync->schema, t->task.world->relations.items[t->index].id, e);
}
