/* Passes over the backlogs of single tables, as many at once as there are workers. */
#include <stdlib.h>
#include <string.h>

#include "held.h"

struct pass {
    size_t index; /* of the relation in the world */
    bool running, finished, whole;
    char *goal;
    char side;
    int64_t block, end_a, end_b;
    int64_t bytes;     /* of its deltas, when the pass began */
    int64_t rows;      /* that its steps have brought */
    struct hold *hold; /* others have the table locked */
};

struct catchup {
    struct pass *passes;
    size_t count, left;
    bool beside; /* the other tables go on */
};

static void pass_clear(struct pass *p)
{
    free(p->goal);
    hold_free(&p->hold);
}

static void pass_free(struct catchup *c)
{
    for (size_t i = 0; i < c->count; i++)
        pass_clear(&c->passes[i]);
    free(c->passes);
    free(c);
}

void catchup_drop(struct engine *g)
{
    if (g->catchup != NULL)
        pass_free(g->catchup);
    g->catchup = NULL;
}

static void dispatch(struct engine *g);

static struct pass *pass_of(struct catchup *c, size_t index)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->passes[i].index == index)
            return &c->passes[i];
    abort(); /* a step belongs to a pass */
}

static void step_done(struct engine *g, struct task *task)
{
    struct catchup_task *t = (struct catchup_task *)task;
    struct pass *p = pass_of(g->catchup, t->index);
    const struct relation *r = &g->world->relations.items[p->index];
    p->running = false;
    if (!t->task.job.ok) {
        if (hold_takes(g, r->label, HOLD_ONE_TABLE, &p->hold, &t->task.job.err))
            dispatch(g);
        else
            supervise_error(g, &t->task.job.err);
        return;
    }
    supervise_good(g);
    hold_ends(g, &p->hold, t->task.made_ms);
    p->whole = t->whole;
    p->side = t->side;
    p->block = t->block;
    bool resumed = p->goal != NULL && p->end_a == 0 && p->end_b == 0;
    p->end_a = t->end_a;
    p->end_b = t->end_b;
    p->rows += t->upserted + t->deleted;
    if (resumed) { /* what the engine before this one brought says nothing of the speed of this one */
        eta_forget(&g->meter.behind);
        eta_forget(&g->meter.behind_rows);
    }
    if (p->goal == NULL)
        p->goal = xstrdup(t->goal);
    if (t->finished) {
        p->finished = true;
        g->catchup->left--;
        /* A batch that is under way may have been committed before. */
        standing_put(&g->standing, r->id, p->goal, g->standing.batch + g->looking);
    }
    dispatch(g);
}

static void start_step(struct engine *g, struct pass *p)
{
    struct catchup_task *t = task_new(sizeof *t, job_catchup, step_done);
    const struct relation *r = &g->world->relations.items[p->index];
    t->index = p->index;
    t->progress.throttle = g->throttle;
    t->snapshot = arena_strdup(t->task.mem, standing_of(&g->standing, r->id));
    t->batch = g->standing.batch;
    t->goal = arena_strdup(t->task.mem, p->goal);
    t->side = p->side;
    t->block = p->block;
    t->end_a = p->end_a;
    t->end_b = p->end_b;
    t->whole = p->whole;
    p->running = true;
    engine_submit(g, &t->task.job);
}

static void dispatch(struct engine *g)
{
    struct catchup *c = g->catchup;
    if (g->stopping || g->paused || engine_in_trouble(g))
        return;
    for (size_t i = 0; i < c->count && workers_are_free(g); i++)
        if (!c->passes[i].running && !c->passes[i].finished && !hold_waits(c->passes[i].hold))
            start_step(g, &c->passes[i]);
    if (c->left != 0)
        return;
    bool beside = c->beside;
    catchup_drop(g);
    if (beside)
        follow_look(g);
    else
        phase_fire(g, EV_CAUGHT_UP);
}

void catchup_dispatch(struct engine *g)
{
    if (g->catchup != NULL)
        dispatch(g);
}

/* A pass that an earlier engine began goes on where its last step was committed. */
static void resume(const struct world *w, int id, struct pass *p)
{
    for (size_t i = 0; i < w->state.nrelations; i++) {
        const struct target_relation *r = &w->state.relations[i];
        if (r->id != id || r->goal == NULL)
            continue;
        p->goal = xstrdup(r->goal);
        p->side = r->side;
        p->block = r->block;
    }
}

static void begin(struct engine *g, bool beside)
{
    struct catchup *c = xcalloc(1, sizeof *c);
    c->passes = xcalloc(g->behind.count, sizeof *c->passes);
    for (size_t i = 0; i < g->behind.count; i++) {
        const struct owed *o = &g->behind.items[i];
        const struct relation *r = relations_by_id(&g->world->relations, o->id);
        struct pass *p = &c->passes[c->count++];
        p->index = (size_t)(r - g->world->relations.items);
        p->bytes = o->bytes;
        if (!g->passes_resumed)
            resume(g->world, o->id, p);
    }
    g->passes_resumed = true; /* the world's goals are those of its opening */
    c->left = c->count;
    c->beside = beside;
    g->catchup = c;
    eta_forget(&g->meter.behind);
    eta_forget(&g->meter.behind_rows);
    workers_settle(g);
    dispatch(g);
}

void catchup_begin(struct engine *g)
{
    begin(g, false);
}

void catchup_beside(struct engine *g)
{
    begin(g, true);
}

bool catchup_is_beside(const struct engine *g)
{
    return g->catchup != NULL && g->catchup->beside;
}

bool catchup_has(const struct engine *g, int id)
{
    for (size_t i = 0; g->catchup != NULL && i < g->catchup->count; i++)
        if (g->world->relations.items[g->catchup->passes[i].index].id == id)
            return true;
    return false;
}

/* Blocks of both sides that its steps are through with, as a part of all. */
static double share_done(const struct pass *p)
{
    double all = (double)(p->end_a + p->end_b);
    double done = (double)(p->side == 'b' ? p->end_a + p->block : p->block);
    if (p->finished)
        return 1;
    return all > 0 && done < all ? done / all : all > 0;
}

void catchup_status(const struct engine *g, struct status *out)
{
    const struct catchup *c = g->catchup;
    out->catch_up.rate_rows_per_second = out->catch_up.eta_seconds = -1;
    if (c == NULL)
        return;
    out->catch_up.goes_on = true;
    out->catch_up.tables_total = (int)c->count;
    for (size_t i = 0; i < c->count; i++) {
        const struct pass *p = &c->passes[i];
        out->catch_up.tables_done += p->finished;
        out->catch_up.bytes_total += p->bytes;
        out->catch_up.bytes_done += (int64_t)((double)p->bytes * share_done(p));
        out->catch_up.rows_done += p->rows;
    }
    if (g->paused)
        return;
    out->catch_up.rate_rows_per_second = eta_rate(&g->meter.behind_rows);
    out->catch_up.eta_seconds =
        eta_seconds(&g->meter.behind, (double)(out->catch_up.bytes_total - out->catch_up.bytes_done));
}

void catchup_measure(struct engine *g, const struct status *st, uint64_t now_ms)
{
    struct meter *m = &g->meter;
    if (!st->catch_up.goes_on || g->paused) {
        eta_skip(&m->behind, now_ms);
        eta_skip(&m->behind_rows, now_ms);
        return;
    }
    eta_feed(&m->behind, now_ms, (double)st->catch_up.bytes_done);
    eta_feed(&m->behind_rows, now_ms, (double)st->catch_up.rows_done);
}
