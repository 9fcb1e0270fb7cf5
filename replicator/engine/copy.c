/* The first copy, seen from the loop: which chunk goes to a free worker next. Largest tables first, a table's chunks
 * to as many workers as are free. */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "repl/clock.h"
#include "repl/log.h"

static int by_size(const void *x, const void *y)
{
    const struct table_plan *a = x, *b = y;
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static bool is_copied(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nrelations; i++)
        if (w->state.relations[i].id == id)
            return w->state.relations[i].copied;
    return false;
}

void copy_plan_free(struct copy_plan *p)
{
    for (size_t i = 0; i < p->ntables; i++) {
        if (p->tables[i].plan != NULL)
            task_free(&p->tables[i].plan->task);
        free(p->tables[i].running);
        free(p->tables[i].back);
        free(p->tables[i].meter);
    }
    free(p->tables);
    *p = (struct copy_plan){0};
}

/* ---- marking a table done ---- */

static void copied(struct engine *g, struct task *task)
{
    struct copied_task *t = (struct copied_task *)task;
    struct table_plan *p = copy_table(g, t->index);
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    p->state = TABLE_COPIED;
    free(p->meter);
    p->meter = NULL;
    g->copy.open--;
    supervise_good(g);
    copy_dispatch(g);
}

static void mark_copied(struct engine *g, struct table_plan *p)
{
    struct copied_task *t = task_new(sizeof *t, job_copied, copied);
    t->index = p->index;
    p->state = TABLE_MARKING;
    engine_submit(g, &t->task.job);
}

/* ---- chunks ---- */

static void drop_running(struct table_plan *p, const struct chunk_task *t)
{
    for (size_t i = 0; i < p->nrunning; i++)
        if (p->running[i] == t)
            p->running[i] = p->running[--p->nrunning];
}

static void chunk_done(struct engine *g, struct task *task)
{
    struct chunk_task *t = (struct chunk_task *)task;
    struct table_plan *p = copy_table(g, t->index);
    drop_running(p, t);
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    if (t->rewritten) {
        p->state = TABLE_REWRITTEN;
    } else if (t->put_back) {
        p->back = xrealloc(p->back, (p->nback + 1) * sizeof *p->back);
        p->back[p->nback++] = (struct chunk_ref){(size_t)(t->heap - p->plan->heaps), t->number};
    } else {
        p->rows += t->mark.rows;
        p->wire_bytes += t->mark.bytes;
        p->blocks_done += copy_chunk_blocks(t->plan, t->number);
        p->left--;
        supervise_good(g);
    }
    copy_dispatch(g);
}

static void start_chunk(struct engine *g, struct table_plan *p, size_t heap, int64_t number)
{
    struct chunk_task *t = task_new(sizeof *t, job_chunk, chunk_done);
    t->index = p->index;
    t->progress.throttle = g->throttle;
    t->heap = &p->plan->heaps[heap];
    t->plan = &p->plan->plans[heap];
    t->number = number;
    p->running = xrealloc(p->running, (p->nrunning + 1) * sizeof(*p->running));
    p->running[p->nrunning++] = t;
    engine_submit(g, &t->task.job);
}

static bool is_done(const struct world *w, const struct target_heap *h, int64_t number)
{
    /* The list comes ordered by relation, heap and number. */
    size_t low = 0, high = w->state.nchunks;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct target_chunk *c = &w->state.chunks[middle];
        bool before = c->relation != h->relation ? c->relation < h->relation
                      : c->heap != h->heap       ? c->heap < h->heap
                                                 : c->chunk < number;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    const struct target_chunk *c = &w->state.chunks[low];
    return low < w->state.nchunks && c->relation == h->relation && c->heap == h->heap && c->chunk == number;
}

/* Gives out the table's next chunk; false where none waits. */
static bool next_chunk(struct engine *g, struct table_plan *p)
{
    if (p->nback != 0) {
        const struct chunk_ref c = p->back[--p->nback];
        start_chunk(g, p, c.heap, c.number);
        return true;
    }
    for (; p->heap < p->plan->nheaps; p->heap++, p->chunk = 0) {
        const struct target_heap *h = &p->plan->plans[p->heap];
        while (p->chunk < copy_chunks(h)) {
            int64_t number = p->chunk++;
            if (!p->fresh && is_done(g->world, h, number))
                continue;
            start_chunk(g, p, p->heap, number);
            return true;
        }
    }
    return false;
}

/* ---- plans ---- */

/* What earlier runs brought is counted, so that progress goes on where it was. */
static void count_done(struct engine *g, struct table_plan *p)
{
    const struct target_state *s = &g->world->state;
    int id = g->world->relations.items[p->index].id;
    p->rows = p->wire_bytes = p->blocks_done = p->blocks = p->left = 0;
    for (size_t i = 0; i < p->plan->nheaps; i++) {
        const struct target_heap *h = &p->plan->plans[i];
        p->blocks += h->blocks;
        p->left += copy_chunks(h);
        for (int64_t k = 0; !p->fresh && k < copy_chunks(h); k++)
            if (is_done(g->world, h, k)) {
                p->blocks_done += copy_chunk_blocks(h, k);
                p->left--;
            }
    }
    for (size_t i = 0; !p->fresh && i < s->nchunks; i++)
        if (s->chunks[i].relation == id) {
            p->rows += s->chunks[i].rows;
            p->wire_bytes += s->chunks[i].bytes;
        }
}

static void planned(struct engine *g, struct task *task)
{
    struct plan_task *t = (struct plan_task *)task;
    struct table_plan *p = copy_table(g, t->index);
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    if (t->restart)
        engine_say(g, LOG_WARN, NULL, "%s was rewritten on the source: its copy starts over",
                   g->world->relations.items[t->index].label);
    if (p->plan != NULL)
        task_free(&p->plan->task);
    p->plan = t; /* chunks refer to it */
    t->task.kept = true;
    p->fresh = t->restart;
    p->heap = 0;
    p->chunk = 0;
    p->nback = 0;
    p->state = TABLE_COPYING;
    count_done(g, p);
    copy_dispatch(g);
}

static void start_plan(struct engine *g, struct table_plan *p)
{
    struct plan_task *t = task_new(sizeof *t, job_plan, planned);
    t->index = p->index;
    t->restart = p->state == TABLE_REWRITTEN;
    for (size_t i = 0; i < g->copy.ntables; i++)
        t->total_bytes += g->copy.tables[i].bytes;
    p->state = TABLE_PLANNING;
    engine_submit(g, &t->task.job);
}

/* ---- giving out work ---- */

/* One piece of the table's work; false where it has none to give just now. */
static bool give_work(struct engine *g, struct table_plan *p)
{
    switch (p->state) {
    case TABLE_WAITING:
        start_plan(g, p);
        return true;
    case TABLE_REWRITTEN:
        if (p->nrunning != 0)
            return false;
        start_plan(g, p);
        return true;
    case TABLE_COPYING:
        if (next_chunk(g, p))
            return true;
        if (p->left != 0 || p->nrunning != 0)
            return false;
        mark_copied(g, p);
        return true;
    default:
        return false;
    }
}

static bool is_left_out(const struct engine *g, const struct table_plan *p)
{
    for (size_t i = 0; i < g->nleft_out; i++)
        if (g->left_out[i] == g->world->relations.items[p->index].id)
            return true;
    return false;
}

/* ---- pausing ---- */

void copy_hold(struct engine *g, int id)
{
    enum { GRACE_MS = 5000 };
    for (size_t i = 0; i < g->copy.ntables; i++) {
        const struct table_plan *p = &g->copy.tables[i];
        for (size_t k = 0; k < p->nrunning && (id == 0 || g->world->relations.items[p->index].id == id); k++)
            atomic_store(&p->running[k]->progress.until_ms, clock_ms() + GRACE_MS);
    }
}

void copy_let_go(struct engine *g)
{
    for (size_t i = 0; i < g->copy.ntables && !g->paused; i++)
        for (size_t k = 0; k < g->copy.tables[i].nrunning && !is_left_out(g, &g->copy.tables[i]); k++)
            atomic_store(&g->copy.tables[i].running[k]->progress.until_ms, 0);
}

/* ---- */

void copy_dispatch(struct engine *g)
{
    if (g->life != LIFE_COPYING || g->stopping || g->paused || engine_in_trouble(g))
        return;
    for (size_t i = 0; i < g->copy.ntables && g->in_flight < g->jobs; i++)
        while (!is_left_out(g, &g->copy.tables[i]) && g->in_flight < g->jobs &&
               give_work(g, &g->copy.tables[i]))
            continue;
    if (g->copy.open == 0 && g->in_flight == 0)
        phase_fire(g, EV_COPIED);
}

static void count_copied(const struct world *w, struct table_plan *p, int id)
{
    for (size_t i = 0; i < w->state.nchunks; i++)
        if (w->state.chunks[i].relation == id) {
            p->rows += w->state.chunks[i].rows;
            p->wire_bytes += w->state.chunks[i].bytes;
        }
}

void copy_load(struct engine *g)
{
    const struct world *w = g->world;
    copy_plan_free(&g->copy);
    g->copy.tables = xcalloc(w->relations.count + 1, sizeof *g->copy.tables);
    g->copy.ntables = w->relations.count;
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct relation *r = &w->relations.items[i];
        struct table_plan *p = &g->copy.tables[i];
        p->index = i;
        p->bytes = r->bytes;
        p->state = is_copied(w, r->id) ? TABLE_COPIED : TABLE_WAITING;
        count_copied(w, p, r->id);
        g->copy.open += p->state != TABLE_COPIED;
    }
    qsort(g->copy.tables, g->copy.ntables, sizeof *g->copy.tables, by_size);
}

void copy_begin(struct engine *g)
{
    workers_settle(g);
    copy_dispatch(g);
}

struct table_plan *copy_table(struct engine *g, size_t index)
{
    for (size_t i = 0; i < g->copy.ntables; i++)
        if (g->copy.tables[i].index == index)
            return &g->copy.tables[i];
    abort(); /* every relation of the world has a plan */
}

int64_t copy_chunks(const struct target_heap *h)
{
    return (h->blocks + h->chunk_blocks - 1) / h->chunk_blocks;
}

int64_t copy_chunk_blocks(const struct target_heap *h, int64_t number)
{
    int64_t from = number * h->chunk_blocks, to = from + h->chunk_blocks;
    return (to < h->blocks ? to : h->blocks) - from;
}
