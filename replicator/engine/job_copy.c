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
    make_plan(t, r, t->task.sync->jobs);
    return target_plan(target, t->task.sync->schema, r->id, t->plans, t->nheaps, e);
}

bool job_chunk(struct worker *w, struct job *job, struct err *e)
{
    struct chunk_task *t = (struct chunk_task *)job;
    const struct world *world = t->task.world;
    const struct relation *r = &world->relations.items[t->index];
    struct conn *source, *target;
    if (!worker_source(w, &source, e) || !worker_target(w, &target, e))
        return false;
    int64_t from = t->number * t->plan->chunk_blocks, to = from + t->plan->chunk_blocks;
    struct heap planned_heap = *t->heap;
    planned_heap.filenode = t->plan->filenode;
    struct chunk_copy c = {
        .schema = t->task.sync->schema,
        .relation = &world->targets[t->index],
        .source_sql = NULL,
        .mark = {.relation = r->id, .heap = t->heap->oid, .chunk = t->number},
        .binary = relation_binary(r),
        .progress = &t->progress,
    };
    /* Columns by the source's names and order, on both sides. */
    struct relation named = *r;
    named.sql = c.relation->sql;
    c.relation = &named;
    c.source_sql = capture_chunk_sql(t->task.mem, &world->capture, r, &planned_heap, from, to, c.binary);
    bool ok = chunk_copy(source, target, &c, e);
    t->mark = c.mark;
    if (ok || !err_is(e, "55000"))
        return ok;
    t->rewritten = true;
    return true;
}

bool job_copied(struct worker *w, struct job *job, struct err *e)
{
    struct copied_task *t = (struct copied_task *)job;
    struct conn *target;
    return worker_target(w, &target, e) &&
           target_copied(target, t->task.sync->schema, t->task.world->relations.items[t->index].id, e);
}
