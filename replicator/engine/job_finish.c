/* The steps after the load: a plan, its units, and a mark on the target when all are through. Each can be repeated
 * until then. */
#include "jobs.h"

#include "repl/fault.h"

static void keep_line(void *arg, const char *text)
{
    strlist_add(arg, text);
}

/* Nobody who stops the engine waits for an index: what was built of it is rolled back, and built again. */
static bool interruptible_target(struct worker *w, struct conn **out, struct err *e)
{
    if (!worker_target(w, out, e))
        return false;
    conn_interrupt_at(*out, INTERRUPT_SOON);
    return true;
}

bool job_units(struct worker *w, struct job *job, struct err *e)
{
    struct units_task *t = (struct units_task *)job;
    struct units_wanted wanted = {.s = t->task.sync,
                                  .tables = &t->task.world->relations,
                                  .early = t->early,
                                  .i = t->task.interrupt,
                                  .say = keep_line,
                                  .arg = &t->said};
    pg_step("planning indexes and constraints", NULL);
    /* Of its two sessions, and not one more: the source may have few, and pg_dump takes another. */
    if (!interruptible_target(w, &wanted.target, e) || !worker_source(w, &wanted.source, e))
        return false;
    conn_interrupt_at(wanted.source, INTERRUPT_SOON);
    bool ok = t->plan(&wanted, t->task.mem, &t->units, e);
    conn_interrupt_at(wanted.target, INTERRUPT_NOW);
    conn_interrupt_at(wanted.source, INTERRUPT_NOW);
    return ok;
}

bool job_unit(struct worker *w, struct job *job, struct err *e)
{
    struct unit_task *t = (struct unit_task *)job;
    struct conn *target;
    pg_step(t->unit->what, t->unit->table);
    if (!interruptible_target(w, &target, e))
        return false;
    atomic_store(&t->pid, conn_backend_pid(target));
    bool ok = unit_run(t->unit, t->all, t->share, target, keep_line, &t->said, e);
    conn_interrupt_at(target, INTERRUPT_NOW);
    return ok;
}

bool job_step_done(struct worker *w, struct job *job, struct err *e)
{
    struct step_task *t = (struct step_task *)job;
    struct conn *target;
    pg_step("marking a step as done", NULL);
    fault_point("step.before_mark");
    return worker_target(w, &target, e) && target_step_done(target, t->task.sync->schema, t->step, e);
}

bool job_watch(struct worker *w, struct job *job, struct err *e)
{
    struct watch_task *t = (struct watch_task *)job;
    struct conn *target;
    if (!interruptible_target(w, &target, e))
        return false;
    return units_progress(target, t->task.mem, &t->progress, &t->count, e) &&
           catalog_waiting(target, t->pids, t->npids, t->task.mem, &t->waits, &t->nwaits, e);
}

bool job_waits(struct worker *w, struct job *job, struct err *e)
{
    struct waits_task *t = (struct waits_task *)job;
    struct conn *target;
    return interruptible_target(w, &target, e) && copy_waits(target, &t->sessions, &t->waiting, e);
}

bool job_watched(struct worker *w, struct job *job, struct err *e)
{
    (void)job;
    (void)e;
    worker_disconnect(w);
    return true;
}
