/* The plan of the first copy, on the loop: in which order tables come, and what of them is there. */
#include <stdlib.h>
#include <string.h>

#include "copy.h"

#include "drift.h"
#include "repl/log.h"
#include "rounds.h"

void copy_plan_free(struct copy_plan *p)
{
    for (size_t i = 0; i < p->nplans; i++)
        task_free(&p->plans[i]->task);
    for (size_t i = 0; i < p->ntables; i++) {
        free(p->tables[i].running);
        free(p->tables[i].chunks);
        free(p->tables[i].meter);
        hold_free(&p->tables[i].hold);
    }
    free(p->plans);
    free(p->places);
    free(p->tables);
    *p = (struct copy_plan){0};
}

struct table_plan *copy_table(struct engine *g, size_t index)
{
    return &g->copy.tables[g->copy.places[index]];
}

bool copy_is_there(struct engine *g, size_t index)
{
    return copy_table(g, index)->state == TABLE_COPIED;
}

const struct target_cut *copy_cut(const struct table_plan *p, size_t place)
{
    const struct planned_chunk *c = &p->chunks[place];
    return &p->cut->plans[c->heap].cuts[c->number];
}

bool copy_is_left_out(const struct engine *g, const struct table_plan *p)
{
    return drift_holds(g, g->world->relations.items[p->index].id);
}

bool copy_rests(const struct engine *g, const struct table_plan *p)
{
    return hold_waits(p->hold) || copy_is_left_out(g, p);
}

/* ---- after an opening ---- */

static bool is_copied(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nrelations; i++)
        if (w->state.relations[i].id == id)
            return w->state.relations[i].copied;
    return false;
}

/* What earlier runs brought is counted, so that progress goes on where it was. */
static void count_rows(const struct world *w, struct table_plan *p)
{
    int id = w->relations.items[p->index].id;
    p->rows = p->wire_bytes = 0;
    for (size_t i = 0; i < w->state.nchunks; i++)
        if (w->state.chunks[i].relation == id) {
            p->rows += w->state.chunks[i].rows;
            p->wire_bytes += w->state.chunks[i].bytes;
        }
}

/* The largest chunks come first, so that the small ones fill what is left of the workers' time: tables that are one
 * chunk, and then by size, since a table's chunks get smaller the later it comes. */
static int by_size(const void *x, const void *y)
{
    const struct table_plan *a = x, *b = y;
    if (a->whole != b->whole)
        return a->whole ? -1 : 1;
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

void copy_load(struct engine *g)
{
    const struct world *w = g->world;
    copy_plan_free(&g->copy);
    g->copy.tables = xcalloc(w->relations.count + 1, sizeof *g->copy.tables);
    g->copy.places = xcalloc(w->relations.count + 1, sizeof *g->copy.places);
    g->copy.ntables = w->relations.count;
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct relation *r = &w->relations.items[i];
        struct table_plan *p = &g->copy.tables[i];
        p->index = i;
        p->bytes = r->bytes;
        p->fork = world_from_fork(w, i);
        p->whole = r->nkey == 0 && r->bytes > g->settings.chunk_min_bytes;
        p->state = is_copied(w, r->id) ? TABLE_COPIED : TABLE_WAITING;
        count_rows(w, p);
        g->copy.open += p->state != TABLE_COPIED;
    }
    qsort(g->copy.tables, g->copy.ntables, sizeof *g->copy.tables, by_size);
    for (size_t i = 0; i < g->copy.ntables; i++)
        g->copy.places[g->copy.tables[i].index] = i;
}

/* ---- what of a plan is there ---- */

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

static void list_chunks(const struct world *w, struct table_plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->cut->heaps.count; i++)
        n += p->cut->plans[i].ncuts;
    free(p->chunks);
    p->chunks = xcalloc(n + 1, sizeof *p->chunks);
    p->nchunks = p->next = p->left = 0;
    p->planned_bytes = p->bytes_done = 0;
    for (size_t i = 0; i < p->cut->heaps.count; i++) {
        const struct target_heap *h = &p->cut->plans[i];
        for (size_t k = 0; k < h->ncuts; k++) {
            bool done = !p->cut->fresh && is_done(w, h, (int64_t)k);
            p->chunks[p->nchunks++] = (struct planned_chunk){i, k, done ? CHUNK_DONE : CHUNK_WAITING};
            p->planned_bytes += h->cuts[k].bytes;
            p->bytes_done += done ? h->cuts[k].bytes : 0;
            p->left += !done;
        }
    }
}

static void take_cut(struct engine *g, const struct table_cut *cut)
{
    struct table_plan *p = copy_table(g, cut->index);
    if (cut->restarted)
        engine_say(g, LOG_WARN, NULL, "%s was rewritten on the source: its copy starts over",
                   g->world->relations.items[cut->index].label);
    p->cut = cut;
    list_chunks(g->world, p);
    if (cut->fresh)
        p->rows = p->wire_bytes = 0;
    else
        count_rows(g->world, p);
    p->state = p->nchunks == 0 ? TABLE_COPIED : TABLE_COPYING; /* with the plan that has no chunk */
    g->copy.open -= p->nchunks == 0;
}

/* Its rows wait for others; the table is planned another time. */
static bool put_off(struct engine *g, const struct plan_task *t, const struct table_cut *cut)
{
    struct table_plan *p = copy_table(g, cut->index);
    if (!hold_takes(g, g->world->relations.items[cut->index].label, HOLD_ONE_TABLE, &p->hold, &cut->locked))
        return false;
    p->state = t->restart ? TABLE_REWRITTEN : TABLE_WAITING;
    return true;
}

static void planned(struct engine *g, struct task *task)
{
    struct plan_task *t = (struct plan_task *)task;
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    for (size_t i = 0; i < t->ntables; i++)
        if (t->tables[i].locked.kind != ERR_NONE && !put_off(g, t, &t->tables[i])) {
            supervise_error(g, &t->tables[i].locked);
            return;
        }
    g->copy.plans = xrealloc(g->copy.plans, (g->copy.nplans + 1) * sizeof(*g->copy.plans));
    g->copy.plans[g->copy.nplans++] = t; /* chunks refer to it */
    t->task.kept = true;
    for (size_t i = 0; i < t->ntables; i++)
        if (t->tables[i].locked.kind == ERR_NONE)
            take_cut(g, &t->tables[i]);
    supervise_good(g, g->trouble_life != LIFE_COPYING && g->trouble_unit == NULL);
    rounds_moved(g);
    copy_dispatch(g);
}

/* ---- asking for one ---- */

static int64_t to_copy(const struct copy_plan *p, size_t from)
{
    int64_t bytes = 0;
    for (size_t i = from; i < p->ntables; i++)
        bytes += p->tables[i].state != TABLE_COPIED ? p->tables[i].bytes : 0;
    return bytes;
}

/* Ranges of blocks come out of the catalogs alone, so all tables are planned at once. Ranges of keys are read from a
 * sample of each table that is to be cut: those go one by one, while others are copied. */
static bool is_sampled(const struct engine *g, const struct table_plan *p, bool by_key)
{
    return by_key && p->bytes > g->settings.chunk_min_bytes;
}

void copy_start_plan(struct engine *g, size_t at)
{
    struct table_plan *first = &g->copy.tables[at];
    struct plan_task *t = task_new(sizeof *t, job_plan, planned);
    t->by_key = g->settings.chunk_by_key != 0 || g->world->source_version < 140000;
    t->restart = first->state == TABLE_REWRITTEN;
    t->jobs = g->jobs_wanted;
    t->max_rate = throttle_limit(g->throttle);
    t->to_copy = to_copy(&g->copy, at);
    t->tables = arena_alloc(t->task.mem, g->copy.ntables * sizeof *t->tables);
    bool alone = t->restart || is_sampled(g, first, t->by_key);
    for (size_t i = at; i < (alone ? at + 1 : g->copy.ntables); i++) {
        struct table_plan *p = &g->copy.tables[i];
        if (i != at && (p->state != TABLE_WAITING || copy_rests(g, p) || is_sampled(g, p, t->by_key)))
            continue;
        t->tables[t->ntables++].index = p->index;
        p->state = TABLE_PLANNING;
    }
    engine_submit(g, &t->task.job);
}
