/* Opening the sync: the world is read anew, and decides what is to be done. */
#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "held.h"
#include "repl/clock.h"
#include "repl/fault.h"
#include "repl/log.h"
#include "rounds.h"
#include "summary.h"

static void take_standing(struct engine *g)
{
    const struct target_state *state = &g->world->state;
    standing_clear(&g->standing);
    g->standing.batch = state->batch;
    g->standing.number = state->mark.of_batch;
    g->standing.written = state->mark.number;
    g->standing.snapshot = xstrdup(state->snapshot);
    for (size_t i = 0; i < state->nrelations; i++) {
        const struct target_relation *r = &state->relations[i];
        if (r->snapshot != NULL)
            standing_put(&g->standing, r->id, r->snapshot, state->batch);
    }
    g->in_doubt = target_in_doubt(state);
}

static bool step_is_done(const struct world *w, const char *step)
{
    for (size_t i = 0; i < w->state.steps.count; i++)
        if (strcmp(w->state.steps.items[i], step) == 0)
            return true;
    return false;
}

static enum event next_work(const struct world *w)
{
    if (target_follows(&w->state))
        return EV_TO_FOLLOW;
    for (size_t i = 0; i < w->state.nrelations; i++)
        if (!w->state.relations[i].copied)
            return EV_TO_COPY;
    return step_is_done(w, "indexes") ? EV_TO_FOLLOW : EV_TO_INDEX;
}

/* An init for further tables later does not ask for a fork that may be gone by then. */
static void forget_fork(struct engine *g)
{
    struct err e;
    if (sync_fork(g->o->sync) != NULL && !target_needs_fork(&g->world->state) &&
        !state_set(g->o->state, "copy_from", NULL, &e))
        log_err(LOG_WARN, &e);
}

static void opened(struct engine *g, struct task *task)
{
    struct open_task *t = (struct open_task *)task;
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    struct err e;
    if (t->source_guard != NULL && !listener_start(g, t->source_guard, t->target_guard, &e)) {
        world_free(t->found);
        supervise_error(g, &e);
        return;
    }
    struct world *before = g->world;
    g->world = t->found;
    take_standing(g);
    forget_fork(g);
    catchup_drop(g);
    finish_drop(g);
    hold_free(&g->look_hold);
    hold_free(&g->sequence_hold);
    copy_load(g);
    g->established = target_follows(&g->world->state);
    g->indexed = step_is_done(g->world, "indexes");
    g->survey_ms = clock_ms();
    g->surveyed = t->request;
    g->finishing = step_is_done(g->world, "constraints") ? step_is_done(g->world, "analyze") ? 2 : 1 : 0;
    if (!g->opened_once) {
        g->opened_once = true;
        pool_set_origin(g->pool, g->world->capture.sync_id);
        engine_is_up(g);
        fault_point("engine.opened");
        engine_say(g, LOG_INFO, NULL, "engine started: %zu tables, source timeline %lld, position %s",
                   g->world->relations.count, (long long)g->world->source.timeline,
                   g->standing.snapshot[0] != '\0' ? g->standing.snapshot : "none yet");
    }
    supervise_opened(g);
    summary_opened(g);
    if (!g->o->once) /* else when there is work for them */
        workers_settle(g);
    fence_keep(g, &g->world->cutover, g->world->lifted);
    finish_drop(g);
    g->indexing = false;
    drift_opened(g, before);
    world_free(before);
    if (g->stopping)
        return;
    if (g->o->once && next_work(g->world) == EV_TO_COPY && drift_any(g) != NULL) {
        supervise_error(g, drift_any(g)); /* nobody would mend it while it waits */
        return;
    }
    phase_fire(g, next_work(g->world));
    g->added_upto = 0;
    add_new(g);
}

void open_begin(struct engine *g)
{
    struct open_task *t = task_new(sizeof *t, job_open, opened);
    if (g->opened_once)
        rounds_in_vain(g, ROUND_OPENINGS, "both sides were read again, and nothing moved since");
    t->take_guards = g->source_guard == NULL || g->target_guard == NULL;
    t->first = !g->opened_once;
    t->request = g->request;
    t->mark = g->mark;
    g->open_began_ms = clock_ms();
    if (t->take_guards)
        listener_close(g);
    engine_submit(g, &t->task.job);
}
