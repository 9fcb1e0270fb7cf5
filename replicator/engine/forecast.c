/*
 * How long the first copy still takes. Once a large table is there, half of the workers build its indexes
 * (finish_early.c), and what is left comes with the others. How much slower that makes it depends on what bounds the
 * copy: a server's processes, and then each worker counts; or a wire, or --max-rate, which fewer workers fill as well. So
 *
 *   the speeds with and without builds are measured apart, and each is used for the work that will be done with it;
 *   until the first build begins, the sessions on the target tell: those that mostly wait for rows would not be
 *   missed.
 *
 * How long the builds last is not foreseen: they are taken to last until the copy's end, as they do where one table is
 * most of it. Where there are many, the speed beside builds is measured from early on.
 */
#include "forecast.h"

#include "copy.h"

/* ---- work ---- */

/* Bytes of the source's table, and what its round trips cost in bytes. */
static double work_left(const struct engine *g, const struct status *st, size_t at)
{
    enum { TABLE_BYTES = 64000 };
    const struct table_plan *p = &g->copy.tables[at];
    const struct status_table *t = &st->tables[p->index];
    return p->state == TABLE_COPIED ? 0 : (double)(t->bytes_total - t->bytes_copied) + TABLE_BYTES;
}

static double all_left(const struct engine *g, const struct status *st)
{
    double left = 0;
    for (size_t i = 0; i < g->copy.ntables; i++)
        left += work_left(g, st, i);
    return left;
}

/* ---- measuring ---- */

void forecast_feed(struct engine *g, uint64_t now_ms, const struct status *st)
{
    struct forecast *f = &g->meter.forecast;
    bool builds = index_beside(g) == INDEX_NOW;
    struct course *now = builds ? &f->beside : &f->alone, *other = builds ? &f->alone : &f->beside;
    double left = all_left(g, st);
    now->done += f->left - left;
    f->left = left;
    eta_feed(&now->eta, now_ms, now->done);
    eta_skip(&other->eta, now_ms);
}

void forecast_skip(struct engine *g, uint64_t now_ms)
{
    eta_skip(&g->meter.forecast.alone.eta, now_ms);
    eta_skip(&g->meter.forecast.beside.eta, now_ms);
}

void forecast_forget(struct engine *g)
{
    struct forecast *f = &g->meter.forecast;
    eta_forget(&f->alone.eta);
    eta_forget(&f->beside.eta);
    f->waits = 0;
    f->nwaits = 0;
}

/* ---- asking ---- */

static void answered(struct engine *g, struct task *task)
{
    enum { REMEMBERED = 60 };
    const struct waits_task *t = (const struct waits_task *)task;
    struct forecast *f = &g->meter.forecast;
    f->asking = false;
    if (!t->task.job.ok || t->sessions == 0) /* a figure less; what is wrong, the others will meet too */
        return;
    if (f->nwaits < REMEMBERED)
        f->nwaits++;
    f->waits += ((double)t->waiting / t->sessions - f->waits) / f->nwaits;
}

void forecast_watch(struct engine *g)
{
    if (g->life != LIFE_COPYING || g->paused || g->stopping || engine_in_trouble(g) ||
        g->meter.forecast.asking || index_beside(g) != INDEX_LATER)
        return;
    struct waits_task *t = task_new(sizeof *t, job_waits, answered);
    g->meter.forecast.asking = true;
    workers_watch(g, &t->task.job);
}

/* ---- foretelling ---- */

/* So many times slower it is with the workers that go on copying: not at all, where these are enough to do what all do
 * that now wait in between. */
static double slower(const struct engine *g)
{
    const struct forecast *f = &g->meter.forecast;
    double copying = g->jobs - index_workers(g->jobs), busy = f->nwaits != 0 ? 1 - f->waits : 1;
    double times = busy * g->jobs / copying;
    return times > 1 ? times : 1;
}

/* Work until the first large table is there. They come first, and one by one. */
static double before_builds(const struct engine *g, const struct status *st)
{
    for (size_t i = 0; i < g->copy.ntables; i++) {
        const struct table_plan *p = &g->copy.tables[i];
        if (p->state != TABLE_COPIED && index_is_large(&g->world->relations.items[p->index]))
            return work_left(g, st, i);
    }
    return 0;
}

double forecast_seconds(const struct engine *g, const struct status *st)
{
    const struct forecast *f = &g->meter.forecast;
    double left = all_left(g, st), alone = left;
    enum index_beside builds = index_beside(g);
    if (builds == INDEX_NOW)
        alone = 0;
    if (builds == INDEX_LATER)
        alone = before_builds(g, st);
    return eta_course(&f->alone.eta, &f->beside.eta, slower(g), alone, left - alone);
}
