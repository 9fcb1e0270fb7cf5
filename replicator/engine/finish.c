/*
 * The steps after the load: indexes; and once the changes since are there, constraints and statistics. Each is
 * planned by one worker (the room schema says what the units are), then given out to all, stage by stage, and marked on
 * the target when it is through. Meanwhile another session asks the server how the builds get on.
 * The first step begins before the load is through: finish_early.c.
 */
#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "finish.h"
#include "held.h"
#include "repl/log.h"
#include "repl/schema.h"
#include "rounds.h"
#include "summary.h"

static const struct step {
    const char *name; /* on the target */
    units_fn plan;
} steps[] = {{"indexes", units_indexes}, {"constraints", units_constraints}, {"analyze", units_analyze}};

enum { STEP_INDEXES, STEP_CONSTRAINTS }; /* the others follow */

static void say_all(struct engine *g, struct strlist *said, enum log_level level)
{
    for (size_t i = 0; i < said->count; i++)
        engine_say(g, level, NULL, "%s", said->items[i]);
    strlist_free(said);
    *said = (struct strlist){0};
}

void finish_drop(struct engine *g)
{
    struct finish *f = g->finish;
    if (f == NULL)
        return;
    if (f->plan != NULL)
        task_free(&f->plan->task);
    hold_free(&f->hold);
    arena_free(f->seen_mem);
    free(f->left);
    free(f->table);
    free(f->running);
    free(f);
    g->finish = NULL;
}

/* The statements come from the source's schema as an earlier dump has it: tables, columns and schemas may have other names
 * by now. It is read again, once for each state of the source. */
static void doubt_schema(struct engine *g, const struct err *e)
{
    const char *now = g->world->outlines[SIDE_SOURCE];
    static const char *const codes[] = {"42P01", "42703", "3F000", "42704", "42P16", "42P07", "42710"};
    bool unknown = false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        unknown = unknown || err_is(e, codes[i]);
    if (!unknown || (g->schema_read != NULL && strcmp(g->schema_read, now) == 0))
        return;
    free(g->schema_read);
    g->schema_read = xstrdup(now);
    schema_forget(g->o->sync);
}

/* True when the work goes on. unit: what it was; NULL: the step itself. That a unit failed is over when it has succeeded, or
 * the step has. */
static bool ended_well(struct engine *g, const struct task *t, const char *unit)
{
    if (!t->job.ok) {
        doubt_schema(g, &t->job.err);
        supervise_error(g, &t->job.err);
        if (unit != NULL && g->trouble && g->trouble_unit == NULL)
            g->trouble_unit = xstrdup(unit);
        return false;
    }
    supervise_good(g, g->trouble_unit == NULL || (unit == NULL && g->finish == NULL) ||
                          (unit != NULL && strcmp(unit, g->trouble_unit) == 0));
    rounds_moved(g);
    return !g->stopping;
}

/* ---- the end of a step ---- */

static void marked(struct engine *g, struct task *task)
{
    const struct step *step = g->finish->step;
    finish_drop(g);
    finish_watched(g);
    if (!ended_well(g, task, NULL))
        return;
    if (step == &steps[STEP_INDEXES]) {
        g->indexed = true;
        if (g->life == LIFE_INDEXING)
            phase_fire(g, EV_INDEXED);
        else
            follow_look(g);
    } else {
        summary_leaves(g); /* of the constraints, before it is the statistics' turn */
        g->finishing++;
        if (!engine_in_trouble(g)) /* else the next opening comes back */
            finish_begin(g);
    }
}

static void mark(struct engine *g)
{
    struct step_task *t = task_new(sizeof *t, job_step_done, marked);
    t->step = g->finish->step->name;
    g->finish->marking = true;
    engine_submit(g, &t->task.job);
}

/* ---- the units ---- */

static void take_out(struct finish *f, const struct unit_task *t)
{
    for (size_t i = 0; i < f->nrunning; i++)
        if (f->running[i] == t) {
            f->running[i] = f->running[--f->nrunning];
            return;
        }
}

/* False where it did not; then it is for the step itself. */
static bool ended_early(struct engine *g, struct unit_task *t)
{
    struct finish *f = g->finish;
    if (g->life != LIFE_COPYING || g->stopping || t->task.job.ok)
        return true;
    f->left[t->unit - f->plan->units.items] = true;
    f->early_failed = true;
    engine_say(g, LOG_WARN, NULL, "%s; it is tried again when every table is copied", t->task.job.err.text);
    return false;
}

static void go_on(struct engine *g)
{
    add_new(g); /* it waits for a plan to be made */
    finish_dispatch(g);
    copy_dispatch(g);
}

/* A unit that is cut off is told by whoever planned to go on with it. */
static void unit_ended(struct engine *g, struct task *task)
{
    struct unit_task *t = (struct unit_task *)task;
    struct finish *f = g->finish;
    char took[32];
    take_out(f, t);
    if (t->task.job.ok)
        hold_ends(g, &t->hold, clock_ms());
    hold_free(&t->hold);
    say_all(g, &t->said, LOG_WARN);
    if (t->task.job.ok) {
        f->done++;
        summary_unit(g, t->unit, (double)(clock_ms() - t->began_ms) / 1000);
        str_duration(took, sizeof took, (double)(clock_ms() - t->began_ms) / 1000);
        if (finish_is_slow(t->unit))
            engine_say(g, LOG_INFO, NULL, "%s: done in %s", t->unit->what, took);
        else
            log_debug("%s: done in %s", t->unit->what, took);
    }
    if (ended_early(g, t) && !ended_well(g, task, t->unit->what)) {
        if (f->nrunning == 0)
            finish_drop(g);
        return;
    }
    go_on(g);
}

void finish_start_unit(struct engine *g, size_t at, size_t beside)
{
    struct finish *f = g->finish;
    const struct unit *u = &f->plan->units.items[at];
    struct unit_task *t = task_new(sizeof *t, job_unit, unit_ended);
    t->unit = u;
    t->all = &f->plan->units;
    t->share = units_share(t->all, beside);
    t->began_ms = clock_ms();
    f->left[at] = false;
    f->running[f->nrunning++] = t;
    if (finish_is_slow(u) && u->bytes > 0) {
        char size[32];
        engine_say(g, LOG_INFO, NULL, "%s: begun (%s of rows)", u->what,
                   str_bytes(size, sizeof size, (double)u->bytes));
    } else {
        log_debug("%s: begun", u->what);
    }
    engine_submit(g, &t->task.job);
}

static bool table_is_busy(const struct finish *f, const struct unit *u)
{
    for (size_t i = 0; i < f->nrunning; i++)
        if (strcmp(f->running[i]->unit->table, u->table) == 0)
            return true;
    return false;
}

static bool may_begin(const struct finish *f, size_t at)
{
    const struct unit *u = &f->plan->units.items[at];
    if (!f->left[at] || (u->serial && f->nrunning > 0) || (u->alone && table_is_busy(f, u)))
        return false;
    return f->nrunning == 0 || !f->running[0]->unit->serial;
}

/* The stage that is at work, from its first unit that is not done to the end. */
static bool current_stage(const struct finish *f, size_t *from, size_t *to)
{
    const struct units *u = &f->plan->units;
    int stage = f->nrunning > 0 ? f->running[0]->unit->stage : -1;
    for (*from = 0; *from < u->count; (*from)++)
        if (f->left[*from] ? stage < 0 || u->items[*from].stage == stage : false)
            break;
    for (*to = *from; *to < u->count && u->items[*to].stage == u->items[*from].stage; (*to)++)
        continue;
    return *from < u->count;
}

/* What is at work and what waits, but no more than there are workers, share the server's memory. */
static size_t count_beside(const struct engine *g, size_t from, size_t to)
{
    size_t n = g->finish->nrunning, jobs = (size_t)g->jobs;
    for (size_t i = from; i < to; i++)
        n += g->finish->left[i];
    return n < jobs ? n : jobs;
}

void finish_dispatch(struct engine *g)
{
    struct finish *f = g->finish;
    size_t from, to;
    if (!finish_at_work(g) || f->marking || g->stopping || g->paused || engine_in_trouble(g))
        return;
    if (g->life == LIFE_COPYING) {
        finish_dispatch_early(g);
        return;
    }
    if (f->plan == NULL) {
        if (!f->planning && !g->adding &&
            !hold_waits(f->hold)) /* one at a time reads the source's schema anew */
            finish_plan(g);
        return;
    }
    if (!current_stage(f, &from, &to)) {
        if (f->nrunning == 0)
            mark(g);
        return;
    }
    size_t beside = count_beside(g, from, to);
    for (size_t i = from; i < to && f->nrunning < (size_t)g->jobs; i++)
        if (may_begin(f, i))
            finish_start_unit(g, i, beside);
}

/* ---- the beginning of a step ---- */

static int relation_of(const struct engine *g, const struct unit *u)
{
    const struct relations *l = &g->world->relations;
    for (size_t i = 0; u->early && i < l->count; i++) {
        size_t n = strlen(l->items[i].schema);
        if (strncmp(u->table, l->items[i].schema, n) == 0 && u->table[n] == '.' &&
            strcmp(u->table + n + 1, l->items[i].name) == 0)
            return (int)i;
    }
    return -1;
}

static void planned(struct engine *g, struct task *task)
{
    struct units_task *t = (struct units_task *)task;
    struct finish *f = g->finish;
    f->planning = false;
    say_all(g, &t->said, LOG_INFO);
    if (g->life == LIFE_COPYING && !g->stopping && !t->task.job.ok) {
        f->early_failed = true;
        engine_say(g, LOG_WARN, NULL, "planning indexes: %s; it is tried again when every table is copied",
                   t->task.job.err.text);
        go_on(g);
        return;
    }
    if (!t->task.job.ok &&
        hold_takes(g, f->name, "they are planned when it is free", &f->hold, &t->task.job.err))
        return;
    if (!ended_well(g, task, NULL)) {
        finish_drop(g);
        return;
    }
    hold_ends(g, &f->hold, t->task.made_ms);
    t->task.kept = true;
    f->plan = t;
    f->left = xcalloc(t->units.count + 1, sizeof *f->left);
    f->running = xcalloc(t->units.count + 1, sizeof(struct unit_task *));
    f->table = xcalloc(t->units.count + 1, sizeof *f->table);
    for (size_t i = 0; i < t->units.count; i++) {
        f->left[i] = true;
        f->table[i] = relation_of(g, &t->units.items[i]);
    }
    go_on(g);
}

void finish_plan(struct engine *g)
{
    struct units_task *t = task_new(sizeof *t, job_units, planned);
    t->plan = g->finish->step->plan;
    t->early = g->life == LIFE_COPYING;
    g->finish->planning = true;
    engine_submit(g, &t->task.job);
}

static void start_step(struct engine *g, const struct step *step)
{
    finish_drop(g);
    g->finish = xcalloc(1, sizeof *g->finish);
    g->finish->step = step;
    g->finish->name = step->name;
    finish_dispatch(g);
}

void finish_start_indexes(struct engine *g)
{
    start_step(g, &steps[STEP_INDEXES]);
}

static void left_fork(struct engine *g, struct task *task)
{
    struct err e;
    if (task->job.ok && !state_set(g->o->state, "copy_from", NULL, &e))
        log_err(LOG_WARN, &e);
    if (!ended_well(g, task, NULL))
        return;
    engine_say(g, LOG_INFO, NULL, "every row is copied: the fork is needed no more and may be destroyed");
    finish_start_indexes(g);
}

/* Rows from a fork are looked at once more before anything is built on them. */
void index_begin(struct engine *g)
{
    if (g->finish != NULL && g->life == LIFE_INDEXING) { /* it has begun early */
        finish_dispatch(g);
    } else if (target_needs_fork(&g->world->state)) {
        struct task *t = task_new(sizeof *t, job_leave_fork, left_fork);
        engine_submit(g, &t->job);
    } else {
        finish_start_indexes(g);
    }
}

void finish_begin(struct engine *g)
{
    if (g->finishing == FINISHED) {
        phase_fire(g, EV_FINISHED);
        return;
    }
    if (g->finishing == 1)
        g->note = "gathering statistics (ANALYZE)";
    start_step(g, &steps[STEP_CONSTRAINTS + g->finishing]);
}
