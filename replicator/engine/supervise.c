/*
 * The one place where an error becomes retry, fail or stop. Which of them it is, err_verdict() says (docs/errors.md).
 *
 *   stop   before the first opening succeeded: the command that started the engine shows the error
 *   retry  what passes by itself (connections, locks, deadlocks, servers that start): soon, then ever more rarely
 *   fail   what a person must change: shown as phase failed with what to do, and tried again at the slowest pace, or as soon
 *          as a connection's file or command says something else. A connection that was refused is tried a few times first,
 *          since credentials that rotate are wrong for a moment.
 *
 * Jobs in flight when the first error comes are waited for: what they finish is finished.
 */

#include <stdlib.h>

#include "drift.h"
#include "repl/clock.h"
#include "repl/log.h"

/* A lock, or one connection, costs nobody anything to try for again. */
enum { RETRY_BASE_MS = 250, BRIEF_RETRY_MAX_MS = 5000, ONCE_TRIES = 6, STALE_TRIES = 2, REFUSED_TRIES = 4 };

bool engine_in_trouble(const struct engine *g)
{
    return g->trouble || g->reopen_wanted;
}

void supervise_error(struct engine *g, const struct err *e)
{
    if (g->trouble || g->life == LIFE_WAITING || (g->stopping && e->kind == ERR_STOPPED))
        return;
    if (!g->trouble && drift_takes(g, e))
        return;
    g->trouble = true;
    g->trouble_err = *e;
    g->trouble_life = g->life;
}

static void again(uv_timer_t *timer)
{
    struct engine *g = timer->data;
    if (g->life == LIFE_WAITING && !g->stopping && !g->paused)
        phase_fire(g, EV_AGAIN);
}

/* A table or column that was there when the catalogs were read: the next opening sees what became of it. Before the first
 * one only what is gone since is such; rights that are missing stay so. */
static bool may_be_stale(const struct engine *g, const struct err *e)
{
    bool gone = err_is(e, "42P01") || err_is(e, "42703") || err_is(e, "3F000");
    return g->backoff.attempt < STALE_TRIES && (gone || (g->opened_once && err_is(e, "42")));
}

bool supervise_reads_again(const struct engine *g)
{
    const bool altered = err_is(&g->trouble_err, "55006") || may_be_stale(g, &g->trouble_err);
    return (g->trouble || g->retrying) && !g->failed && g->opened_once && altered && g->backoff.attempt <= 1;
}

/* Credentials are changed on the server and in the connection's file at different moments. */
static bool may_be_rotating(const struct engine *g, const struct err *e)
{
    return g->opened_once && e->kind == ERR_CONN && g->backoff.attempt < REFUSED_TRIES;
}

/* Nobody waits for a retry: a command, or a start that never came up. */
static bool must_stop(const struct engine *g, const struct err *e)
{
    /* A table that the application has locked for the moment, or renamed, is no reason to give up a start. */
    if (!g->opened_once && !g->o->insist && !err_is(e, "55P03") && !may_be_stale(g, e))
        return true;
    /* Each try at a server that is silent takes as long as patience lasts. */
    bool late = clock_ms() - g->failing_ms > 2 * (uint64_t)pg_patience_ms();
    return g->o->once && (!err_is_transient(e) || late || g->backoff.attempt >= ONCE_TRIES);
}

void supervise_drained(struct engine *g)
{
    struct err e = g->trouble_err;
    g->trouble = g->reopen_wanted = false;
    if (g->backoff.attempt == 0)
        g->failing_ms = clock_ms();
    if (must_stop(g, &e)) {
        g->err = e;
        engine_stop(g, INTERRUPT_NOW);
        return;
    }
    g->failed = !err_is_transient(&e) && !may_be_stale(g, &e) && !may_be_rotating(g, &e);
    g->steady = g->steady && !g->failed;
    g->settled = false;
    g->retrying = true;
    g->backoff.base_ms = RETRY_BASE_MS;
    g->backoff.max_ms = (unsigned)g->settings.retry_max_ms;
    if (!g->failed && err_is_brief(&e) && g->backoff.max_ms > BRIEF_RETRY_MAX_MS)
        g->backoff.max_ms = BRIEF_RETRY_MAX_MS;
    unsigned wait = g->failed ? g->backoff.max_ms : backoff_next_ms(&g->backoff);
    engine_say(g, g->failed ? LOG_ERROR : LOG_WARN, &e, "trying again in %.1f s", wait / 1000.0);
    if (g->failed)
        control_answer_failed(g, &e);
    phase_fire(g, EV_TROUBLE);
    specs_begin(g);
    uv_timer_start(&g->retry_timer, again, wait, 0);
}

void supervise_good(struct engine *g, bool same)
{
    struct err e;
    g->retrying = false;
    if (g->settled || (!same && g->trouble_err.kind != ERR_CONN))
        return;
    g->settled = true;
    free(g->trouble_unit);
    g->trouble_unit = NULL;
    backoff_reset(&g->backoff);
    g->failed = false;
    if (!state_log_settle(g->o->state, &e))
        log_err(LOG_WARN, &e);
}

void supervise_opened(struct engine *g)
{
    g->failed = false;
    if (g->paused && (g->trouble_life == LIFE_OPENING || g->trouble_err.kind == ERR_CONN))
        supervise_good(g, true);
}

void supervise_again(struct engine *g)
{
    if (g->life == LIFE_WAITING)
        uv_timer_start(&g->retry_timer, again, 0, 0);
}
