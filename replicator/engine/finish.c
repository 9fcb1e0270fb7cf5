/* The steps after the load: indexes; and once the changes since are there, constraints and statistics. */
#include <stdlib.h>

#include "private.h"
#include "repl/log.h"

static void say_all(struct engine *g, const struct strlist *said)
{
    for (size_t i = 0; i < said->count; i++)
        engine_say(g, LOG_INFO, NULL, "%s", said->items[i]);
}

static void start_step(struct engine *g, const char *step,
                       bool (*run)(struct worker *, struct job *, struct err *),
                       void (*done)(struct engine *, struct task *))
{
    if (g->paused)
        return; /* finish_go_on comes back */
    struct step_task *t = task_new(sizeof *t, run, done);
    g->stepping = true;
    t->step = step;
    engine_submit(g, &t->task.job);
}

/* What every step's end has in common; true when it succeeded and work goes on. */
static bool step_ended(struct engine *g, struct task *task)
{
    struct step_task *t = (struct step_task *)task;
    g->stepping = false;
    say_all(g, &t->said);
    strlist_free(&t->said);
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return false;
    }
    supervise_good(g);
    return !g->stopping;
}

static void indexed(struct engine *g, struct task *task)
{
    if (step_ended(g, task))
        phase_fire(g, EV_INDEXED);
}

void index_begin(struct engine *g)
{
    start_step(g, "indexes", job_indexes, indexed);
}

static void step_finished(struct engine *g, struct task *task)
{
    if (!step_ended(g, task))
        return;
    g->finishing++;
    finish_begin(g);
}

void finish_begin(struct engine *g)
{
    if (g->finishing == 0) {
        start_step(g, "constraints", job_constraints, step_finished);
    } else if (g->finishing == 1) {
        g->note = "gathering statistics (ANALYZE)";
        start_step(g, "analyze", job_analyze, step_finished);
    } else {
        phase_fire(g, EV_FINISHED);
    }
}

void finish_go_on(struct engine *g)
{
    if (g->stepping || g->paused || g->stopping || g->trouble)
        return;
    if (g->life == LIFE_INDEXING)
        index_begin(g);
    else if (g->life == LIFE_FINISHING)
        finish_begin(g);
}
