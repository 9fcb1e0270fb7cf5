/* The first copy: cutting tables. All at once, so that thousands of them cost a few round trips. */
#include <stdio.h>
#include <string.h>

#include "jobs.h"

static const struct target_heap *known_heap(const struct world *w, int id, uint32_t heap)
{
    for (size_t i = 0; i < w->state.nheaps; i++)
        if (w->state.heaps[i].relation == id && w->state.heaps[i].heap == heap)
            return &w->state.heaps[i];
    return NULL;
}

static bool has_plan(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nheaps; i++)
        if (w->state.heaps[i].relation == id)
            return true;
    return false;
}

/* What is there of the table is to go. */
static bool has_rows(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nrelations; i++)
        if (w->state.relations[i].id == id && w->state.relations[i].afresh)
            return true;
    return has_plan(w, id);
}

/* Of a heap that is cut by key, every cut but the first has a value for each column that ranges are made of. */
static bool has_keys(const struct target_heap *plan, size_t columns, struct arena *a)
{
    for (size_t i = 0; i < plan->ncuts; i++) {
        const char *key = plan->cuts[i].key;
        char **values;
        size_t n;
        if (i == 0 ? key != NULL : key == NULL || !sql_array_parse(a, key, &values, &n) || n != columns)
            return false;
    }
    return true;
}

/* Ranges are bounds of one order: with another key, or another collation of it, they would be others. */
static bool still_fits(const struct target_heap *plan, const struct heap *h, const char *range_key,
                       const struct relation *r, struct arena *a)
{
    if (plan == NULL || plan->filenode != h->filenode)
        return false;
    return plan->range_key == NULL ||
           (range_key != NULL && strcmp(plan->range_key, range_key) == 0 && has_keys(plan, r->nrange, a));
}

/* The plan that the target has, where it has one of every heap and each is still the file it was made for. */
static bool take_plan(const struct plan_task *t, struct table_cut *c, const char *range_key)
{
    const struct relation *r = &t->task.world->relations.items[c->index];
    for (size_t i = 0; i < c->heaps.count; i++) {
        const struct target_heap *plan = known_heap(t->task.world, r->id, c->heaps.items[i].oid);
        if (!still_fits(plan, &c->heaps.items[i], range_key, r, t->task.mem))
            return false;
        c->plans[i] = *plan;
    }
    return true;
}

static void add_cut(struct target_heap *plan, size_t *cap, struct arena *a, const struct target_cut *cut)
{
    if (plan->ncuts == *cap) {
        *cap = *cap == 0 ? 1 : 2 * *cap;
        struct target_cut *more = arena_alloc(a, *cap * sizeof *more);
        if (plan->ncuts != 0)
            memcpy(more, plan->cuts, plan->ncuts * sizeof *more);
        plan->cuts = more;
    }
    plan->cuts[plan->ncuts++] = *cut;
}

/* Cuts by size. A heap without blocks has no rows but those that came since capture began: nothing to copy. */
static void cut_by_size(struct plan_task *t, struct target_heap *plan, bool whole, struct cutter *cutter)
{
    size_t cap = 0;
    int64_t done = 0;
    while (done < plan->bytes && plan->blocks > 0) {
        int64_t bytes = whole ? plan->bytes : cut_next(cutter, plan->bytes - done);
        int64_t block = (int64_t)((double)plan->blocks * ((double)done / (double)plan->bytes));
        if (plan->ncuts != 0 && block <= plan->cuts[plan->ncuts - 1].block)
            plan->cuts[plan->ncuts - 1].bytes += bytes; /* no smaller than a block */
        else
            add_cut(plan, &cap, t->task.mem, &(struct target_cut){.block = block, .bytes = bytes});
        done += bytes;
    }
    if (whole)
        cutter->left -= plan->bytes;
}

/* Gives the cuts keys in the place of blocks; those that the sample does not tell are dropped. */
static bool keys_for_cuts(struct plan_task *t, struct conn *source, const struct relation *r,
                          const struct heap *h, struct target_heap *plan, struct err *e)
{
    size_t n = plan->ncuts - 1, kept = 1;
    double *shares = arena_alloc(t->task.mem, n * sizeof *shares);
    const char **keys = arena_alloc(t->task.mem, n * sizeof(*keys));
    for (size_t i = 0; i < n; i++)
        shares[i] = (double)plan->cuts[i + 1].block / (double)plan->blocks;
    if (!catalog_cuts(source, t->task.world->capture.search_path, r, h, shares, n, t->task.mem, keys, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct target_cut cut = plan->cuts[i + 1];
        cut.key = keys[i];
        if (cut.key == NULL)
            plan->cuts[kept - 1].bytes += cut.bytes;
        else
            plan->cuts[kept++] = cut;
    }
    plan->ncuts = kept;
    return true;
}

static bool make_plan(struct plan_task *t, struct table_cut *c, struct conn *source, const char *range_key,
                      struct cutter *cutter, struct err *e)
{
    const struct relation *r = &t->task.world->relations.items[c->index];
    /* Rows without key cannot be left out by key, so all of them must come from one snapshot. */
    bool whole = r->nkey == 0;
    for (size_t i = 0; i < c->heaps.count; i++) {
        const struct heap *h = &c->heaps.items[i];
        struct target_heap *plan = &c->plans[i];
        *plan = (struct target_heap){
            .relation = r->id,
            .heap = h->oid,
            .filenode = h->filenode,
            .blocks = h->blocks,
            .bytes = h->bytes,
            .range_key = t->by_key ? range_key : NULL,
        };
        cut_by_size(t, plan, whole, cutter);
        if (plan->range_key != NULL && plan->ncuts > 1 && !keys_for_cuts(t, source, r, h, plan, e))
            return false;
    }
    return true;
}

/* Others keep it from being emptied: that table is planned another time. */
static bool put_off(struct table_cut *c, struct conn *target, struct err *e)
{
    if (!err_is(e, "55P03"))
        return false;
    catalog_blame(target, e);
    c->locked = *e;
    c->fresh = c->restarted = false;
    err_clear(e);
    return true;
}

/* One table: the plan that is there, else a new one. */
static bool plan_table(struct plan_task *t, struct table_cut *c, struct conn *source, struct conn *target,
                       struct cutter *cutter, struct err *e)
{
    const struct relation *r = &t->task.world->relations.items[c->index];
    const char *range_key = r->nkey != 0 ? catalog_range_key(t->task.mem, r) : NULL;
    c->plans = arena_alloc(t->task.mem, (c->heaps.count + 1) * sizeof *c->plans);
    if (!t->restart && has_plan(t->task.world, r->id) && take_plan(t, c, range_key)) {
        cutter->left -= r->bytes;
        return true;
    }
    c->fresh = true;
    c->restarted = t->restart || has_rows(t->task.world, r->id);
    if (c->restarted &&
        !target_restart_copy(target, t->task.sync->schema, &t->task.world->targets[c->index], e))
        return put_off(c, target, e);
    return make_plan(t, c, source, range_key, cutter, e);
}

static size_t chunks_of(const struct table_cut *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->heaps.count; i++)
        n += c->plans[i].ncuts;
    return n;
}

/* Stores the new plans; tables with nothing to copy are done with that. */
static bool store(struct plan_task *t, struct conn *target, struct err *e)
{
    size_t nheaps = 0, nfresh = 0, nempty = 0;
    for (size_t i = 0; i < t->ntables; i++)
        nheaps += t->tables[i].fresh ? t->tables[i].heaps.count : 0;
    struct target_heap *fresh = arena_alloc(t->task.mem, (nheaps + 1) * sizeof *fresh);
    int *empty = arena_alloc(t->task.mem, (t->ntables + 1) * sizeof *empty);
    for (size_t i = 0; i < t->ntables; i++) {
        const struct table_cut *c = &t->tables[i];
        for (size_t k = 0; c->fresh && k < c->heaps.count; k++)
            fresh[nfresh++] = c->plans[k];
        if (c->locked.kind == ERR_NONE && chunks_of(c) == 0)
            empty[nempty++] = t->task.world->relations.items[c->index].id;
    }
    return (nfresh == 0 && nempty == 0) ||
           target_plan(target, t->task.sync->schema, fresh, nfresh, empty, nempty, e);
}

/* Ranges of keys cannot be read in slices: under a rate the chunks themselves are short. */
static int64_t largest_chunk(const struct plan_task *t)
{
    int64_t most = t->task.settings->chunk_max_bytes;
    int64_t slice = (int64_t)((double)t->max_rate / t->jobs * (double)t->task.settings->slice_ms / 1e3);
    if (!t->by_key || t->max_rate == 0 || slice >= most)
        return most;
    return slice > t->task.settings->chunk_min_bytes ? slice : t->task.settings->chunk_min_bytes;
}

/* As if it had been waited for. */
static void note_locked(struct conn *c, const struct relation *r, struct err *e)
{
    err_set(e, ERR_SQL, "the table is locked on the %s", side_name(conn_side(c)));
    snprintf(e->sqlstate, sizeof e->sqlstate, "55P03");
    err_relation(e, r);
    catalog_blame(c, e);
}

/* The heaps of the tables that are read from the source, or of those from the fork: rows are cut where they are read. */
static bool list_heaps(struct plan_task *t, struct worker *w, bool fork, struct err *e)
{
    size_t n = 0;
    struct conn *c;
    const struct relation **tables = arena_alloc(t->task.mem, (t->ntables + 1) * sizeof(*tables));
    struct table_cut **cuts = arena_alloc(t->task.mem, (t->ntables + 1) * sizeof(*cuts));
    struct heap_list *heaps = arena_alloc(t->task.mem, (t->ntables + 1) * sizeof *heaps);
    for (size_t i = 0; i < t->ntables; i++) {
        if (world_from_fork(t->task.world, t->tables[i].index) != fork)
            continue;
        cuts[n] = &t->tables[i];
        tables[n++] = &t->task.world->relations.items[t->tables[i].index];
    }
    if (n == 0)
        return true;
    if (!worker_rows(w, t->task.world, cuts[0]->index, &c, e) ||
        !catalog_heaps(c, tables, n, t->task.mem, heaps, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        cuts[i]->heaps = heaps[i];
        if (heaps[i].locked)
            note_locked(c, tables[i], &cuts[i]->locked);
    }
    return true;
}

bool job_plan(struct worker *w, struct job *job, struct err *e)
{
    struct plan_task *t = (struct plan_task *)job;
    struct cutter cutter = {
        .left = t->to_copy,
        .jobs = t->jobs,
        .min = t->task.settings->chunk_min_bytes,
        .max = largest_chunk(t),
    };
    struct conn *target;
    pg_step("planning the copy", NULL);
    if (!worker_target(w, &target, e) || !list_heaps(t, w, false, e) || !list_heaps(t, w, true, e))
        return false;
    for (size_t i = 0; i < t->ntables; i++) {
        struct conn *source;
        struct table_cut *c = &t->tables[i];
        if (c->locked.kind == ERR_NONE && (!worker_rows(w, t->task.world, c->index, &source, e) ||
                                           !plan_table(t, c, source, target, &cutter, e)))
            return false;
    }
    return store(t, target, e);
}
