/*
 * The engine: what is set up in which order, the loop, and the way down.
 */
#include "repl/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "copy.h"
#include "drift.h"
#include "repl/clock.h"
#include "repl/log.h"
#include "repl/str.h"
#include "rounds.h"
#include "state_watch.h"

enum { STATUS_EVERY_MS = 1000, LOCK_TRIES = 20, LOCK_EVERY_MS = 50 };

void engine_say(struct engine *g, enum log_level level, const struct err *e, const char *fmt, ...)
{
    static const char *const levels[] = {"error", "warn", "info", "info"};
    struct err state_err;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_cut(text, sizeof text);
    if (e != NULL)
        log_err(level, e);
    log_line(level, "%s", text);
    /* An error that passes by itself is an error all the same while it lasts: status shows it until it is over. */
    bool ok = e == NULL ? state_log(g->o->state, levels[level], NULL, text, NULL, &state_err)
                        : state_log(g->o->state, "error", e->table[0] != '\0' ? e->table : NULL, e->text,
                                    e->hint[0] != '\0' ? e->hint : NULL, &state_err);
    state_watch_result(g, ok, &state_err);
}

/* ---- jobs ---- */

void engine_prepare(struct engine *g, struct pool *pool, struct job *job)
{
    struct task *t = (struct task *)job;
    t->engine = g;
    t->sync = g->o->sync;
    t->settings = &g->settings;
    t->world = g->world;
    t->widths = g->widths;
    t->interrupt = pool_interrupt(pool);
    t->wires = g->wires;
    t->jobs = g->jobs;
    g->in_flight++;
}

void engine_submit(struct engine *g, struct job *job)
{
    engine_prepare(g, g->pool, job);
    pool_submit(g->pool, job);
}

/* The one place where what a server calls a table becomes the table. */
static void name_relation(const struct engine *g, struct err *e)
{
    if (e->relation != 0 || e->table[0] == '\0' || g->world == NULL)
        return;
    const struct relation *r = relations_by_label(&g->world->relations, e->table);
    e->relation = r != NULL ? r->id : 0;
}

static void take_results(struct engine *g, struct pool *pool)
{
    for (struct job *job = pool_take(pool); job != NULL; job = pool_take(pool)) {
        struct task *t = (struct task *)job;
        g->in_flight--;
        g->watching -= pool == g->watch;
        if (!job->ok)
            name_relation(g, &job->err);
        t->done(g, t);
        if (!t->kept)
            task_free(t);
        engine_settle(g);
    }
}

static void on_wake(uv_async_t *async)
{
    struct engine *g = async->data;
    take_results(g, g->pool);
    if (g->watch != NULL)
        take_results(g, g->watch);
}

/* ---- stopping ---- */

/* No job is in flight, but the worker of the last one may not have woken the loop yet, whose handle that needs. So the
 * threads end first; all that keeps them is closing their connections. */
static void close_handles(struct engine *g)
{
    pool_stop(g->pool, INTERRUPT_NOW);
    if (g->watch != NULL)
        pool_stop(g->watch, INTERRUPT_NOW);
    uv_close((uv_handle_t *)&g->prepare, NULL);
    uv_close((uv_handle_t *)&g->look_timer, NULL);
    uv_close((uv_handle_t *)&g->status_timer, NULL);
    uv_close((uv_handle_t *)&g->retry_timer, NULL);
    uv_close((uv_handle_t *)&g->sigint, NULL);
    uv_close((uv_handle_t *)&g->sigterm, NULL);
    uv_close((uv_handle_t *)&g->sighup, NULL);
    uv_close((uv_handle_t *)&g->wake, NULL);
    listener_close(g);
    control_close(g);
}

void engine_settle(struct engine *g)
{
    if (g->in_flight != 0 || g->closing)
        return;
    if (g->stopping) {
        g->closing = true;
        close_handles(g);
    } else if (g->trouble && g->life != LIFE_WAITING) {
        supervise_drained(g);
    } else {
        drift_reopen_now(g);
    }
}

void engine_stop(struct engine *g, enum interrupt_level level)
{
    interrupt_raise(pool_interrupt(g->pool), level);
    if (g->watch != NULL)
        interrupt_raise(pool_interrupt(g->watch), level);
    if (!g->stopping)
        log_info("stopping");
    g->stopping = true;
    /* Not from here: whoever called may still use what closing takes away. */
    uv_async_send(&g->wake);
    g->settle_wanted = true;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct engine *g = prepare->data;
    if (!g->settle_wanted)
        return;
    g->settle_wanted = false;
    engine_settle(g);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct engine *g = signal->data;
    (void)number;
    /* The first asks, the second insists. */
    engine_stop(g, g->stopping ? INTERRUPT_NOW : INTERRUPT_SOON);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct engine *g = signal->data;
    (void)number;
    g->o->reopen_log(g->o->arg);
    log_info("the log was opened again (SIGHUP)");
}

void engine_go_on_beside(struct engine *g)
{
    copy_dispatch(g);
    catchup_dispatch(g);
}

void engine_go_on(struct engine *g)
{
    supervise_again(g);
    engine_go_on_beside(g);
    finish_dispatch(g);
    follow_look(g);
}

/* ---- setting up ---- */

/* One engine a state directory; the locks in the databases are for engines elsewhere. */
bool engine_lock_file(struct engine *g, struct err *e)
{
    char *path = xasprintf("%s/engine.lock", g->o->sync->dir);
    g->lock_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = g->lock_fd >= 0 || err_set(e, ERR_OS, "cannot open %s: %s", path, strerror(errno));
    /* A command that makes the state file again looks at it for a moment; the kernel may not be through with an engine that
     * was killed. */
    for (int tries = 0; ok && flock(g->lock_fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (tries < LOCK_TRIES) {
            clock_sleep_ms(LOCK_EVERY_MS);
            continue;
        }
        ok = err_set(e, ERR_CONFLICT, "an engine runs already for %s", g->o->sync->dir);
        err_hint(e, "repl status shows it; repl stop ends it");
    }
    free(path);
    return ok;
}

static bool load_paused(struct engine *g, struct err *e)
{
    char *ids = NULL, *paused = NULL;
    if (!state_get(g->o->state, "paused_tables", &ids, e) || !state_get(g->o->state, "paused", &paused, e) ||
        !state_get(g->o->state, "way", &g->way, e)) {
        free(ids);
        return false;
    }
    g->paused = paused != NULL && !g->o->once;
    struct strlist list = {0};
    strlist_add_csv(&list, ids != NULL ? ids : "");
    g->left_out = xcalloc(list.count + 1, sizeof *g->left_out);
    for (size_t i = 0; i < list.count; i++)
        g->left_out[g->nleft_out++] = atoi(list.items[i]);
    strlist_free(&list);
    free(ids);
    free(paused);
    return true;
}

/* How far an earlier engine came: shown until both sides are read. */
static bool load_reached(struct engine *g, struct err *e)
{
    struct status st;
    if (!state_load_status(g->o->state, &st, e))
        return false;
    bool copied = st.ntables != 0;
    for (size_t i = 0; i < st.ntables && copied; i++)
        copied = st.tables[i].phase != NULL && strcmp(st.tables[i].phase, "planned") != 0 &&
                 strcmp(st.tables[i].phase, "copying") != 0;
    g->reached = copied ? PHASE_CATCHING_UP : PHASE_COPYING;
    g->note = "reading both sides";
    status_free(&st);
    return true;
}

static void on_status_timer(uv_timer_t *timer)
{
    state_watch_tick(timer->data);
    progress_tick(timer->data);
    drift_tick(timer->data);
    held_tick(timer->data);
    listener_tick(timer->data);
    specs_tick(timer->data);
    burden_tick(timer->data);
    fence_tick(timer->data);
}

static void init_handles(struct engine *g)
{
    uv_loop_init(&g->loop);
    uv_async_init(&g->loop, &g->wake, on_wake);
    uv_prepare_init(&g->loop, &g->prepare);
    uv_signal_init(&g->loop, &g->sigint);
    uv_signal_init(&g->loop, &g->sigterm);
    uv_signal_init(&g->loop, &g->sighup);
    uv_timer_init(&g->loop, &g->look_timer);
    uv_timer_init(&g->loop, &g->status_timer);
    uv_timer_init(&g->loop, &g->retry_timer);
    g->wake.data = g->prepare.data = g->sigint.data = g->sigterm.data = g->sighup.data = g;
    g->look_timer.data = g->status_timer.data = g->retry_timer.data = g;
    uv_prepare_start(&g->prepare, on_prepare);
    uv_signal_start(&g->sigint, on_signal, SIGINT);
    uv_signal_start(&g->sigterm, on_signal, SIGTERM);
    if (g->o->reopen_log != NULL)
        uv_signal_start(&g->sighup, on_hangup, SIGHUP);
    uv_timer_start(&g->status_timer, on_status_timer, STATUS_EVERY_MS, STATUS_EVERY_MS);
}

static void tell_ready(struct engine *g)
{
    if (g->o->ready_fd < 0)
        return;
    ssize_t written = write(g->o->ready_fd, "r", 1);
    (void)written; /* whoever waited has gone: nothing to tell */
}

void engine_is_up(struct engine *g)
{
    tell_ready(g);
}

static void tear_down(struct engine *g)
{
    pool_free(g->pool);
    throttle_free(g->throttle);
    widths_free(g->widths);
    rounds_free(g->rounds);
    pool_free(g->watch);
    finish_drop(g);
    copy_plan_free(&g->copy);
    catchup_drop(g);
    hold_free(&g->look_hold);
    hold_free(&g->sequence_hold);
    world_free(g->world);
    arena_free(g->behind_mem);
    standing_clear(&g->standing);
    free(g->left_out);
    free(g->marks[0]);
    free(g->marks[1]);
    free(g->way);
    free(g->schema_read);
    free(g->trouble_unit);
    status_free(&g->summary.timings);
    free(g->asides);
    free(g->add_wanted);
    free(g->hot);
    sleep_free(g->sleep);
    burden_free(g);
    fence_free(g);
    free(g->last_batch.last_batch.at);
    if (g->lock_fd >= 0)
        close(g->lock_fd);
}

static void save_stopped(struct engine *g)
{
    struct status st;
    struct err e;
    progress_status(g, &st);
    if (st.phase != PHASE_FAILED)
        st.phase = PHASE_STOPPED;
    st.engine.running = false;
    if (!state_save_status(g->o->state, &st, &e))
        log_err(LOG_WARN, &e);
    status_free(&st);
}

/* The loop, from the first opening to the last handle closed. */
static bool run(struct engine *g, struct err *e)
{
    init_handles(g);
    workers_start(g);
    bool ok = control_start(g, e);
    if (ok) {
        if (g->o->once)
            g->request = 1;
        open_begin(g);
    } else {
        g->err = *e;
        engine_stop(g, INTERRUPT_NOW);
    }
    uv_run(&g->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&g->loop) != 0)
        log_error("a handle of the loop was left open");
    if (g->opened_once)
        save_stopped(g);
    if (g->o->once && g->answered < g->request && g->err.kind == ERR_NONE)
        err_set(&g->err, ERR_STOPPED, "stopped before everything was on the target");
    if (g->err.kind == ERR_NONE)
        return true;
    *e = g->err;
    return false;
}

bool engine_run(const struct engine_options *o, struct err *e)
{
    struct engine g = {
        .o = o,
        .life = LIFE_OPENING,
        .lock_fd = -1,
        .behind_mem = arena_new(),
        .sleep = sleep_new(),
        .widths = widths_new(),
        .widened = 1,
        .rounds = rounds_new(),
        .started_wall = clock_wall(),
    };
    signal(SIGPIPE, SIG_IGN);
    bool ok = settings_load(o->sync->dir, &g.settings, e) && engine_lock_file(&g, e) && load_paused(&g, e) &&
              files_fit(&g, e) && load_reached(&g, e);
    if (ok) {
        pg_patience((unsigned)g.settings.answer_ms);
        mark_make(&g);
        ok = run(&g, e);
    }
    tear_down(&g);
    return ok;
}
