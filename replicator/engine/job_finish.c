/* The steps after the load; each is marked on the target when it is done, and can be repeated until then. */
#include "jobs.h"

static void keep_line(void *arg, const char *text)
{
    struct step_task *t = arg;
    strlist_add(&t->said, text);
}

typedef bool (*schema_fn)(const struct sync *, struct conn *, const struct interrupt *, say_fn, void *,
                          struct err *);

static bool run_step(struct worker *w, struct step_task *t, schema_fn fn, struct err *e)
{
    struct conn *target;
    struct sync now = *t->task.sync;
    now.jobs = t->task.jobs;
    return worker_target(w, &target, e) && fn(&now, target, t->task.interrupt, keep_line, t, e) &&
           target_step_done(target, t->task.sync->schema, t->step, e);
}

bool job_indexes(struct worker *w, struct job *job, struct err *e)
{
    return run_step(w, (struct step_task *)job, schema_indexes, e);
}

bool job_constraints(struct worker *w, struct job *job, struct err *e)
{
    return run_step(w, (struct step_task *)job, schema_constraints, e);
}

bool job_analyze(struct worker *w, struct job *job, struct err *e)
{
    struct step_task *t = (struct step_task *)job;
    struct conn *target;
    if (!worker_target(w, &target, e))
        return false;
    conn_interrupt_at(target, INTERRUPT_SOON); /* statistics are gathered again after a stop */
    bool ok = schema_analyze(target, &t->task.world->relations, e) &&
              target_step_done(target, t->task.sync->schema, t->step, e);
    conn_interrupt_at(target, INTERRUPT_NOW);
    return ok;
}
