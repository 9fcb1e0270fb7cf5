/* Passes over the backlogs of single tables, as many at once as there are workers. */
#include <stdlib.h>
#include <string.h>

#include "backlog.h"
#include "held.h"
#include "rounds.h"

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
    supervise_good(g, g->trouble_unit == NULL);
    hold_ends(g, &p->hold, t->task.made_ms);
    standing_written(&g->standing, t->written);
    p->whole = t->whole;
    p->side = t->side;
    p->block = t->block;
    bool resumed = p->goal != NULL && p->end_a == 0 && p->end_b == 0;
    p->end_a = t->end_a;
    p->end_b = t->end_b;
    p->rows += t->upserted + t->deleted;
    rounds_moved(g);
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
    t->written = g->standing.written;
    t->goal = arena_strdup(t->task.mem, p->goal);
    t->side = p->side;
    t->block = p->block;
    t->end_a = p->end_a;
    t->end_b = p->end_b;
    t->whole = p->whole;
    t->widened = g->widened;
    p->running = true;
    engine_submit(g, &t->task.job);
}

/* The source may write more than a batch while the passes are under way: then no round would be the last. */
static void widen(struct engine *g)
{
    unsigned rounds =
        rounds_in_vain(g, ROUND_PASSES,
                       "the passes ended, and by then more changes were pending than one batch should bring");
    double widened = backlog_widen(g->widened, rounds);
    if (widened != g->widened)
        engine_say(g, LOG_WARN, NULL,
                   "the source changes more than one batch should bring while the passes of catching up "
                   "last: batches and "
                   "steps may be %.0f times as large as batch_rows, batch_bytes and step_rows say",
                   widened);
    g->widened = widened;
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
    widen(g);
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

/* A pass that an earlier engine began goes on where its last step was committed, unless the table has moved since. */
static void resume(const struct engine *g, int id, struct pass *p)
{
    const struct target_relation *r = target_relation_by_id(&g->world->state, id);
    if (r == NULL || r->goal == NULL)
        return;
    const char *then = r->snapshot != NULL ? r->snapshot : g->world->state.snapshot;
    if (strcmp(then, standing_of(&g->standing, id)) != 0)
        return;
    p->goal = xstrdup(r->goal);
    p->side = r->side;
    p->block = r->block;
}

static const struct owed *owed_of(const struct owed_list *l, int id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].id == id)
            return &l->items[i];
    abort(); /* what catches up owes something */
}

void catchup_prepare(struct engine *g, const struct batch_task *t)
{
    struct catchup *c = xcalloc(1, sizeof *c);
    catchup_drop(g);
    c->passes = xcalloc(t->passes.count, sizeof *c->passes);
    for (size_t i = 0; i < t->passes.count; i++) {
        const struct owed *o = owed_of(&t->owed, t->passes.items[i]);
        const struct relation *r = relations_by_id(&g->world->relations, o->id);
        struct pass *p = &c->passes[c->count++];
        p->index = (size_t)(r - g->world->relations.items);
        p->bytes = o->bytes;
        resume(g, o->id, p);
    }
    c->left = c->count;
    c->beside = t->beside;
    g->catchup = c;
}

void catchup_begin(struct engine *g)
{
    eta_forget(&g->meter.behind);
    eta_forget(&g->meter.behind_rows);
    workers_settle(g);
    dispatch(g);
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
