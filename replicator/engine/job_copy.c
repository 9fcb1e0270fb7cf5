/* The first copy: cutting tables, moving chunks. */
#include <string.h>

#include "jobs.h"
#include "repl/log.h"

static bool planned(const struct world *w, int id, uint32_t heap, struct target_heap *out)
{
    for (size_t i = 0; i < w->state.nheaps; i++)
        if (w->state.heaps[i].relation == id && w->state.heaps[i].heap == heap) {
            *out = w->state.heaps[i];
            return true;
        }
    return false;
}

/* The plan that the target has, where it has one of every heap and each is still the file it was made for. */
static bool take_plan(struct plan_task *t, int id)
{
    for (size_t i = 0; i < t->nheaps; i++)
        if (!planned(t->task.world, id, t->heaps[i].oid, &t->plans[i]) ||
            t->plans[i].filenode != t->heaps[i].filenode)
            return false;
    return true;
}

static bool has_plan(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nheaps; i++)
        if (w->state.heaps[i].relation == id)
            return true;
    return false;
}

static void make_plan(struct plan_task *t, const struct relation *r, int jobs)
{
    for (size_t i = 0; i < t->nheaps; i++) {
        const struct heap *h = &t->heaps[i];
        /* Rows without key cannot be left out by key, so all of them must come from one snapshot. */
        int64_t blocks =
            r->nkey == 0 ? h->blocks
                         : chunk_blocks(t->total_bytes, h->bytes, h->blocks, jobs,
                                        t->task.settings->chunk_min_bytes, t->task.settings->chunk_max_bytes);
        t->plans[i] = (struct target_heap){
            .relation = r->id,
            .heap = h->oid,
            .filenode = h->filenode,
            .blocks = h->blocks,
            .chunk_blocks = blocks > 0 ? blocks : 1,
            .bytes = h->bytes,
        };
    }
}

bool job_plan(struct worker *w, struct job *job, struct err *e)
{
    struct plan_task *t = (struct plan_task *)job;
    const struct relation *r = &t->task.world->relations.items[t->index];
    struct conn *source, *target;
    if (!worker_source(w, &source, e) || !worker_target(w, &target, e) ||
        !catalog_heaps(source, r, t->task.mem, &t->heaps, &t->nheaps, e))
        return false;
    t->plans = arena_alloc(t->task.mem, (t->nheaps + 1) * sizeof *t->plans);
    if (!t->restart && take_plan(t, r->id))
        return true;
    t->restart = t->restart || has_plan(t->task.world, r->id);
    if (t->restart &&
        !target_restart_copy(target, t->task.sync->schema, &t->task.world->targets[t->index], e))
        return false;
    make_plan(t, r, t->task.jobs);
    return target_plan(target, t->task.sync->schema, r->id, t->plans, t->nheaps, e);
}

/* ---- chunks ---- */

/* Blocks of one source transaction, so that a slow --max-rate makes shorter ones and not longer ones (I3). */
static int64_t slice_blocks(const struct chunk_task *t, int64_t chunk)
{
    int64_t limit = throttle_limit(t->progress.throttle);
    if (limit == 0 || t->plan->blocks <= 0)
        return chunk;
    double block = (double)t->plan->bytes / (double)t->plan->blocks;
    double blocks =
        (double)limit / t->task.jobs * (double)t->task.settings->slice_ms / 1e3 / (block > 1 ? block : 1);
    return blocks < 1 ? 1 : blocks < (double)chunk ? (int64_t)blocks : chunk;
}

static bool copy_sliced(struct chunk_task *t, struct chunk_copy *c, struct conn *source, struct conn *target,
                        int64_t blocks, struct err *e)
{
    const struct world *world = t->task.world;
    const struct relation *r = &world->relations.items[t->index];
    struct heap planned_heap = *t->heap;
    planned_heap.filenode = t->plan->filenode;
    int64_t from = t->number * t->plan->chunk_blocks, to = from + t->plan->chunk_blocks;
    c->nslices = 0;
    c->source_sql =
        arena_alloc(t->task.mem, (size_t)((to - from + blocks - 1) / blocks) * sizeof *c->source_sql);
    for (int64_t at = from; at < to; at += blocks)
        c->source_sql[c->nslices++] = capture_chunk_sql(t->task.mem, &world->capture, r, &planned_heap, at,
                                                        at + blocks < to ? at + blocks : to, c->binary);
    c->slice_ms = r->nkey != 0 && blocks > 1 ? (unsigned)t->task.settings->slice_ms * SLICE_MOST : 0;
    return chunk_copy(source, target, c, e);
}

/* Wanted by the loop, which puts the chunk back; else a slice was slower than foreseen. */
static bool is_put_back(const struct chunk_task *t)
{
    return t->progress.given_up && atomic_load(&t->progress.until_ms) != 0;
}

static bool copy_chunk(struct chunk_task *t, struct chunk_copy *c, struct conn *source, struct conn *target,
                       struct err *e)
{
    const struct relation *r = &t->task.world->relations.items[t->index];
    int64_t chunk = t->plan->chunk_blocks;
    int64_t blocks = r->nkey != 0 ? slice_blocks(t, chunk) : chunk;
    while (!copy_sliced(t, c, source, target, blocks, e)) {
        if (!t->progress.given_up || is_put_back(t))
            return false;
        int64_t by_rate = slice_blocks(t, chunk);
        if (blocks > 1)
            blocks = by_rate < blocks / 2 ? by_rate : blocks / 2;
        err_clear(e);
    }
    return true;
}

bool job_chunk(struct worker *w, struct job *job, struct err *e)
{
    struct chunk_task *t = (struct chunk_task *)job;
    const struct world *world = t->task.world;
    const struct relation *r = &world->relations.items[t->index];
    struct conn *source, *target;
    if (!worker_source(w, &source, e) || !worker_target(w, &target, e))
        return false;
    struct chunk_copy c = {
        .schema = t->task.sync->schema,
        .mark = {.relation = r->id, .heap = t->heap->oid, .chunk = t->number},
        .binary = relation_binary(r),
        .progress = &t->progress,
    };
    /* Columns by the source's names and order, on both sides. */
    struct relation named = *r;
    named.sql = world->targets[t->index].sql;
    c.relation = &named;
    bool ok = copy_chunk(t, &c, source, target, e);
    t->mark = c.mark;
    t->put_back = !ok && is_put_back(t);
    t->rewritten = !ok && err_is(e, "55000");
    return ok || t->put_back || t->rewritten;
}

bool job_copied(struct worker *w, struct job *job, struct err *e)
{
    struct copied_task *t = (struct copied_task *)job;
    struct conn *target;
    return worker_target(w, &target, e) &&
           target_copied(target, t->task.sync->schema, t->task.world->relations.items[t->index].id, e);
}
