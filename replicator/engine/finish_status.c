/* How the units of a step get on: what the server says, and what status shows of it. */
#include <stdlib.h>
#include <string.h>

#include "finish.h"
#include "held.h"

/* A unit that is done sooner is not worth a question. */
enum { WATCH_AFTER_MS = 500 };

bool finish_at_work(const struct engine *g)
{
    bool beside = g->indexing && (g->life == LIFE_FOLLOWING || g->life == LIFE_CATCHING_UP);
    return g->finish != NULL &&
           (g->life == LIFE_COPYING || g->life == LIFE_INDEXING || g->life == LIFE_FINISHING || beside);
}

bool finish_is_planning(const struct engine *g)
{
    return g->finish != NULL && g->finish->planning;
}

int finish_in_flight(const struct engine *g)
{
    const struct finish *f = g->finish;
    return f == NULL ? 0 : (int)f->nrunning + f->planning;
}

bool finish_is_slow(const struct unit *u)
{
    return u->kind == UNIT_INDEX || u->kind == UNIT_VALIDATE || u->kind == UNIT_REFRESH ||
           (u->kind == UNIT_FOREIGN_KEY && u->table[0] != '\0');
}

/* ---- asking ---- */

/* A moment is nothing to tell. */
static void note_waits(struct engine *g, const struct watch_task *w)
{
    for (size_t i = 0; i < g->finish->nrunning; i++) {
        struct unit_task *t = g->finish->running[i];
        const struct lock_wait *found = NULL;
        for (size_t k = 0; k < w->nwaits && found == NULL; k++)
            found = w->waits[k].pid == atomic_load(&t->pid) ? &w->waits[k] : NULL;
        if (found == NULL)
            hold_ends(g, &t->hold, clock_ms());
        else if (t->waits)
            hold_tells(g, t->unit->what, "it begins when the lock is there", &t->hold, &found->why);
        t->waits = found != NULL;
    }
}

static void watched(struct engine *g, struct task *task)
{
    struct watch_task *t = (struct watch_task *)task;
    struct finish *f = g->finish;
    if (f == NULL) /* the step has ended meanwhile */
        return;
    f->watching = false;
    if (!t->task.job.ok) /* a figure less; what is wrong, the others will meet too */
        return;
    note_waits(g, t);
    arena_free(f->seen_mem);
    f->seen_mem = t->task.mem;
    t->task.mem = NULL;
    f->seen = t->progress;
    f->nseen = t->count;
}

void finish_watch(struct engine *g)
{
    struct finish *f = g->finish;
    uint64_t now = clock_ms();
    bool worth = false;
    if (!finish_at_work(g) || f->watching || g->stopping || engine_in_trouble(g))
        return;
    for (size_t i = 0; i < f->nrunning; i++)
        worth = worth || now - f->running[i]->began_ms >= WATCH_AFTER_MS;
    if (!worth)
        return;
    f->watching = true;
    struct watch_task *t = task_new(sizeof *t, job_watch, watched);
    t->pids = arena_alloc(t->task.mem, f->nrunning * sizeof *t->pids);
    for (t->npids = 0; t->npids < f->nrunning; t->npids++)
        t->pids[t->npids] = atomic_load(&f->running[t->npids]->pid);
    workers_watch(g, &t->task.job);
}

static void nothing(struct engine *g, struct task *task)
{
    (void)g;
    (void)task;
}

void finish_watched(struct engine *g)
{
    if (g->watch == NULL || g->stopping)
        return;
    struct watch_task *t = task_new(sizeof *t, job_watched, nothing);
    workers_watch(g, &t->task.job);
}

/* ---- status ---- */

static const struct unit_progress *seen_of(const struct finish *f, const struct unit_task *t)
{
    int pid = atomic_load(&t->pid);
    for (size_t i = 0; i < f->nseen; i++)
        if (f->seen[i].pid == pid)
            return &f->seen[i];
    return NULL;
}

static void show_unit(const struct finish *f, const struct unit_task *t, struct status_unit *out)
{
    const struct unit_progress *p = seen_of(f, t);
    out->what = xstrdup(t->unit->what);
    out->table = t->unit->table[0] != '\0' ? xstrdup(t->unit->table) : NULL;
    out->phase = t->hold != NULL ? xstrdup("waits for a lock") : p != NULL ? xstrdup(p->phase) : NULL;
    out->fraction = p != NULL ? p->fraction : -1;
    out->seconds = (double)(clock_ms() - t->began_ms) / 1000;
}

static int longest_first(const void *x, const void *y)
{
    const struct status_unit *a = x, *b = y;
    return (a->seconds < b->seconds) - (a->seconds > b->seconds);
}

void finish_status(const struct engine *g, struct status *out)
{
    const struct finish *f = g->finish;
    if (!finish_at_work(g) || f->plan == NULL || (g->life == LIFE_COPYING && f->nrunning == 0))
        return;
    out->step.name = xstrdup(f->name);
    out->step.units_done = (int)f->done;
    out->step.units_total = (int)f->plan->units.count;
    out->step.running = xcalloc(f->nrunning + 1, sizeof *out->step.running);
    out->step.nrunning = f->nrunning;
    for (size_t i = 0; i < f->nrunning; i++)
        show_unit(f, f->running[i], &out->step.running[i]);
    qsort(out->step.running, f->nrunning, sizeof *out->step.running, longest_first);
}
