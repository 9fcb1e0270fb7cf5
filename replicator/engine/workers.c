/*
 * How many workers there are and how fast they read: both change while the engine runs. A worker that is added opens
 * its connections before it gets work; where it cannot, the engine goes on with those that it has, and says so.
 */
#include "private.h"
#include "repl/log.h"

/* A lock on the target is waited for longer than an autovacuum worker keeps it (it gives way after deadlock_timeout, 1 s), and
 * no longer than a reader there should stand behind repl, or the source's snapshot should wait with it. */
enum { WATCH_TIMEOUT_MS = 5000, TARGET_LOCK_MS = 3000 };

static void wake(void *arg)
{
    struct engine *g = arg;
    uv_async_send(&g->wake);
}

/* One worker finds out whether the engine can work at all; the others join when it has. */
void workers_start(struct engine *g)
{
    const unsigned lock_ms = (unsigned)g->settings.lock_timeout_ms;
    const struct pool_options o = {
        .workers = 1,
        .source_spec = g->o->sync->source,
        .target_spec = g->o->sync->target,
        .fork_spec = sync_fork(g->o->sync),
        .source = {.side = SIDE_SOURCE,
                   .purpose = "worker",
                   .lock_timeout_ms = lock_ms,
                   .wire = &g->wires[SIDE_SOURCE]},
        /* At the old source it is not this session that is quiet, but the tables (back/back_source.c). */
        .target = {.side = SIDE_TARGET,
                   .purpose = "worker",
                   .apply = !g->o->sync->back,
                   .lock_timeout_ms = TARGET_LOCK_MS,
                   .wire = &g->wires[SIDE_TARGET]},
        .fork = {.side = SIDE_FORK, .purpose = "worker", .read_only = true, .lock_timeout_ms = lock_ms},
        .wake = wake,
        .arg = g,
    };
    g->jobs = 1;
    g->jobs_wanted = g->o->sync->jobs;
    g->max_rate = g->o->sync->max_rate;
    g->throttle = throttle_new(g->max_rate);
    g->pool = pool_start(&o);
}

/* Watching only asks: its session holds no lock that says it writes. */
void workers_watch(struct engine *g, struct job *job)
{
    const struct pool_options o = {
        .workers = 1,
        .source_spec = g->o->sync->source,
        .target_spec = g->o->sync->target,
        .source = {.side = SIDE_SOURCE, .purpose = "watch", .wire = &g->wires[SIDE_SOURCE]},
        .target = {.side = SIDE_TARGET,
                   .purpose = "watch",
                   .statement_timeout_ms = WATCH_TIMEOUT_MS,
                   .wire = &g->wires[SIDE_TARGET]},
        .wake = wake,
        .arg = g,
    };
    if (g->watch == NULL)
        g->watch = pool_start(&o);
    engine_prepare(g, g->watch, job);
    g->watching++;
    pool_submit(g->watch, job);
}

bool job_join(struct worker *w, struct job *job, struct err *e)
{
    const struct task *t = (const struct task *)job;
    struct conn *c;
    return worker_source(w, &c, e) && worker_target(w, &c, e) &&
           (t->world->fork == NULL || worker_fork(w, &c, e));
}

bool workers_are_free(const struct engine *g)
{
    return g->in_flight - g->watching < g->jobs;
}

bool workers_are_coming(const struct engine *g)
{
    return g->joining != 0 || (g->jobs < workers_aim(g) && g->join_err.kind == ERR_NONE);
}

void workers_use(struct engine *g)
{
    copy_dispatch(g);
    catchup_dispatch(g);
    finish_dispatch(g);
    if (g->look_wanted && !workers_are_coming(g))
        follow_look(g);
}

static void all_joined(struct engine *g)
{
    if (g->join_err.kind != ERR_NONE && g->jobs < workers_aim(g) && !g->stopping)
        engine_say(g, LOG_WARN, NULL, "the engine goes on with %d of %d workers: %s: %s", g->jobs,
                   g->jobs_wanted, g->join_err.side, g->join_err.text);
    control_answer_joined(g);
    if (g->join_err.kind == ERR_NONE)
        workers_settle(g); /* another number may be wanted by now */
}

static void joined(struct engine *g, struct task *task)
{
    g->joining--;
    if (!task->job.ok) {
        g->jobs--;
        g->join_err = task->job.err;
    }
    if (g->joining == 0)
        all_joined(g);
    workers_use(g);
}

/* Nobody takes the connections away from the one that must have some. */
static void first_joined(struct engine *g, struct task *task)
{
    g->joining--;
    g->first_joined = task->job.ok;
    if (!task->job.ok)
        supervise_error(g, &task->job.err);
    else
        workers_settle(g);
    if (g->joining == 0)
        control_answer_joined(g);
    workers_use(g);
}

void workers_settle(struct engine *g)
{
    if (g->joining != 0 || !g->opened_once || g->stopping)
        return;
    if (!g->first_joined) {
        struct join_task *t = task_new(sizeof *t, job_join, first_joined);
        g->joining++;
        engine_submit(g, &t->task.job);
        return;
    }
    const int aim = workers_aim(g);
    if (g->jobs > aim)
        pool_shrink(g->pool, g->jobs - aim);
    if (g->jobs >= aim)
        g->jobs = aim;
    g->join_err = (struct err){0};
    while (g->jobs < aim) {
        struct join_task *t = task_new(sizeof *t, job_join, joined);
        g->jobs++;
        g->joining++;
        engine_prepare(g, g->pool, &t->task.job);
        pool_grow(g->pool, &t->task.job);
    }
}

/* Slow is one worker, and a rate that no server feels. */
int workers_aim(const struct engine *g)
{
    int most = g->bearing.wal_slow ? 1 : g->bearing.workers_most;
    if (g->files_most != 0 && (most == 0 || most > g->files_most))
        most = g->files_most;
    return most != 0 && most < g->jobs_wanted ? most : g->jobs_wanted;
}

/* A batch of a sync that follows is not held up: its rows are in the source's memory, and the target waits for it. */
void workers_pace(struct engine *g)
{
    enum { SLOW_RATE = 5000000 };
    bool slow = g->bearing.wal_slow && (g->life == LIFE_COPYING || g->catchup != NULL);
    bool lower = slow && (g->max_rate == 0 || g->max_rate > SLOW_RATE);
    int64_t rate = lower ? SLOW_RATE : g->max_rate;
    if (throttle_limit(g->throttle) != rate)
        throttle_set(g->throttle, rate);
}

bool workers_set(struct engine *g, int jobs, int64_t max_rate, struct err *e)
{
    char rate[32];
    /* The sync itself stays as it is: workers read it. */
    const struct sync pace = {.jobs = jobs != 0 ? jobs : g->jobs_wanted,
                              .max_rate = max_rate >= 0 ? max_rate : g->max_rate};
    if (!sync_save_pace(&pace, g->o->state, e))
        return false;
    g->max_rate = pace.max_rate;
    workers_pace(g);
    g->jobs_wanted = pace.jobs;
    engine_say(g, LOG_INFO, NULL, "set: %d worker%s, --max-rate %s", pace.jobs, pace.jobs == 1 ? "" : "s",
               str_rate(rate, sizeof rate, pace.max_rate));
    workers_settle(g);
    return true;
}
