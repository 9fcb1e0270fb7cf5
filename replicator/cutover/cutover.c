/*
 * The steps of a cutover, in the order in which they are safe: what takes long first, while the application writes; then the
 * fence under a lease, and only what must be exact behind it; then the fence for good, and the switch.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_private.h"
#include "repl/fault.h"

/* To lift the fence, or to say that the switch is through, the source is asked again for so long. */
enum { INSIST_MS = 12000, AGAIN_MS = 300 };
/* Connecting and reading; the engine and large tables have their own time. */
enum { OPEN_MS = 60000 };

void cutover_say(const struct cutover *c, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    c->o->say(c->o->arg, line);
}

double cutover_seconds_since(uint64_t began_us)
{
    return (double)(clock_us() - began_us) / 1e6;
}

/* ---- sessions ---- */

bool cutover_connect(const struct cutover *c, enum side side, const struct interrupt *i, struct conn **out,
                     struct err *e)
{
    const struct conn_options o = {.side = side,
                                   .purpose = "cutover",
                                   .origin = c->capture.sync_id[0] != '\0' ? c->capture.sync_id : NULL,
                                   .lock_timeout_ms = 10000,
                                   .interrupt = i};
    return conn_open(side == SIDE_SOURCE ? c->s->source : c->s->target, &o, out, e);
}

/* Why a wait was ended, where the connection only knows that it was. */
static bool explain(const struct cutover *c, struct err *e)
{
    switch (watch_why(c->watch)) {
    case WATCH_INTERRUPTED:
        return err_set(e, ERR_STOPPED, "interrupted");
    case WATCH_TIME_IS_UP:
        if (e->kind != ERR_STOPPED)
            return false;
        if (c->fenced_ms == 0)
            err_set(e, ERR_NOT_YET, "no answer within %d s", OPEN_MS / 1000);
        else
            err_set(e, ERR_NOT_YET, "not done within %.1f s", c->o->timeout_ms / 1000.0);
        return err_hint(e, "is a server silent? repl status; then try again, or with a longer --timeout");
    case WATCH_FENCE_IS_GONE:
        err_set(e, ERR_CONFLICT, "the cutover was taken over by another command, or its lease had ended");
        return err_hint(e, "nothing is lost; repl status says how things are");
    case WATCH_LEASE_IS_OVER:
        err_set(e, ERR_CONN,
                "the lease of the fence could not be renewed for %d s: the %s lets writes through again",
                LEASE_MS / 1000, side_name(SIDE_SOURCE));
        return err_hint(e, "nothing is lost; when the %s answers: the same command again",
                        side_name(SIDE_SOURCE));
    default:
        return false;
    }
}

bool cutover_look(struct cutover *c, struct err *e)
{
    return fence_read(c->fence, &c->capture, c->a, &c->now, e);
}

bool cutover_clear(struct cutover *c, struct err *e)
{
    return fence_tidy(c->fence, &c->capture, &c->now, NULL, e) && cutover_look(c, e);
}

/* Half of an init would be taken for all that there is to bring over. */
static bool is_whole(struct cutover *c, struct err *e)
{
    struct target_state t;
    return target_read(c->target, c->s->schema, c->a, &t, e) && sync_is_whole(c->s, &c->capture, &t, e);
}

bool cutover_open(const struct sync *s, const struct cutover_options *o, struct cutover **out, struct err *e)
{
    struct cutover *c = xcalloc(1, sizeof *c);
    c->s = s;
    c->o = o;
    c->a = arena_new();
    c->capture.schema = s->schema;
    c->other.schema = s->twin;
    c->watch = watch_new(o->interrupt, OPEN_MS);
    *out = c;
    const struct interrupt *i = watch_interrupt(c->watch);
    bool ok = cutover_connect(c, SIDE_SOURCE, i, &c->fence, e) && capture_find(c->fence, &c->capture, e);
    memcpy(c->other.sync_id, c->capture.sync_id, sizeof c->other.sync_id);
    if (ok && c->capture.sync_id[0] == '\0') {
        ok = err_set(e, ERR_CONFIG, "capture is not installed on the source (no schema %s)", s->schema);
        err_hint(e, "run: repl init");
    }
    /* Again: by now the session is known as repl's. */
    if (ok) {
        conn_close(c->fence);
        c->fence = NULL;
        ok = cutover_connect(c, SIDE_SOURCE, i, &c->fence, e) && cutover_look(c, e);
    }
    const bool nothing_to_do = c->now.state == CUTOVER_COMPLETE && !o->turns;
    ok = ok && (o->source_only || nothing_to_do ||
                (cutover_connect(c, SIDE_SOURCE, i, &c->source, e) &&
                 cutover_connect(c, SIDE_TARGET, i, &c->target, e) && is_whole(c, e) &&
                 (!o->turns || cutover_connect(c, SIDE_TARGET, i, &c->there, e))));
    if (ok) {
        watch_deadline(c->watch, 0);
        return true;
    }
    explain(c, e);
    cutover_close(c);
    *out = NULL;
    return false;
}

void cutover_close(struct cutover *c)
{
    if (c == NULL)
        return;
    lease_end(c->lease);
    conn_close(c->source);
    conn_close(c->target);
    conn_close(c->fence);
    conn_close(c->there);
    watch_free(c->watch);
    arena_free(c->a);
    free(c);
}

const struct cutover_times *cutover_times(const struct cutover *c)
{
    return &c->times;
}

const struct cutover_now *cutover_state(const struct cutover *c)
{
    return &c->now;
}

bool cutover_time_is_up(const struct cutover *c, struct err *e)
{
    if (watch_why(c->watch) == WATCH_INTERRUPTED) {
        err_set(e, ERR_STOPPED, "interrupted");
        return true;
    }
    if (clock_ms() - c->fenced_ms < c->o->timeout_ms)
        return false;
    err_set(e, ERR_NOT_YET, "not done within %.1f s", c->o->timeout_ms / 1000.0);
    return true;
}

unsigned cutover_time_left(const struct cutover *c)
{
    uint64_t stood = clock_ms() - c->fenced_ms;
    return stood < c->o->timeout_ms ? c->o->timeout_ms - (unsigned)stood : 1;
}

/* ---- insisting: where the outcome matters, the source is asked again over a new session ---- */

struct insisting {
    struct watch *watch;
    uint64_t until;
};

/* A session that hears no Ctrl-C, on the side whose fence it is; the one before may wait for an answer that never comes. */
static bool insist_connect(struct cutover *c, struct insisting *i, struct err *e)
{
    conn_close(c->fence);
    c->fence = NULL;
    if (i->watch == NULL) {
        i->watch = watch_new(NULL, INSIST_MS);
        i->until = clock_ms() + INSIST_MS;
    } else {
        clock_sleep_ms(AGAIN_MS);
    }
    return cutover_connect(c, SIDE_SOURCE, watch_interrupt(i->watch), &c->fence, e);
}

/* A server that starts or is restarted says that it does; what else it says is an answer. */
static bool insist_again(const struct insisting *i, const struct err *e)
{
    return clock_ms() < i->until && (err_is_transient(e) || e->kind == ERR_CONN || e->kind == ERR_STOPPED);
}

static void insist_end(struct cutover *c, struct insisting *i)
{
    conn_close(c->fence); /* it has the watch's interrupt */
    c->fence = NULL;
    watch_free(i->watch);
}

/* attempt 0: whosever it is. */
static bool lift(struct cutover *c, enum cutover_event event, int64_t attempt, const char *why, bool *stood,
                 struct err *e)
{
    struct insisting i = {0};
    struct fence_move how = {.attempt = attempt, .reason = why};
    bool ok, moved = false, tidied = false;
    do {
        ok = insist_connect(c, &i, e) && cutover_look(c, e);
        *stood = ok && (c->now.closed || c->now.lapsed || cutover_under_way(c->now.state));
        if (ok && event == CUTOVER_GIVE_UP &&
            attempt == 0) { /* the answer to its begin was lost, or it never began */
            if (!cutover_under_way(c->now.state) || c->now.pid != c->pid)
                break;
            how.attempt = c->now.attempt;
        }
        ok = ok && fence_move(c->fence, &c->capture, event, &how, NULL, &moved, e) &&
             (moved || (cutover_look(c, e) && fence_tidy(c->fence, &c->capture, &c->now, &tidied, e)));
    } while (!ok && insist_again(&i, e));
    ok = ok && cutover_look(c, e);
    insist_end(c, &i);
    return ok;
}

/* What an operator must not miss comes first and last. */
static bool alarm(const struct cutover *c, struct err *e)
{
    const char *side = c->s->back ? "TARGET" : "SOURCE";
    char until[64] = "";
    struct err why = *e;
    if (c->now.state != CUTOVER_SWITCHING && c->now.state != CUTOVER_COMPLETE)
        snprintf(until, sizeof until, ", for %d s at most", LEASE_MS / 1000);
    cutover_say(c, "WRITES TO THE %s MAY STILL BE OFF%s", side, until);
    err_set(e, ERR_CONN, "WRITES TO THE %s MAY STILL BE OFF%s: the fence could not be lifted (%.700s)", side,
            until, why.text);
    return err_hint(e, "WRITES TO THE %s MAY STILL BE OFF. Type, when it answers: repl cutover --abort",
                    side);
}

static void tell_engine(const struct cutover *c, enum cutover_state state)
{
    if (c->o->told != NULL)
        c->o->told(c->o->arg, state);
}

bool cutover_give_up(struct cutover *c, const char *why, struct err *e)
{
    bool stood;
    lease_end(c->lease);
    c->lease = NULL;
    if (!lift(c, CUTOVER_GIVE_UP, c->attempt, why, &stood, e))
        return alarm(c, e);
    if (c->now.closed) {
        err_set(e, ERR_CONFLICT, "another command has taken the cutover over: the fence is its own now");
        return err_hint(e, "repl status");
    }
    tell_engine(c, CUTOVER_ABORTED);
    return true;
}

bool cutover_abort(struct cutover *c, bool *stood, struct err *e)
{
    bool ok = lift(c, CUTOVER_ABORT, 0, "repl cutover --abort", stood, e);
    fault_point("cutover.lifted");
    if (!ok)
        return alarm(c, e);
    tell_engine(c, CUTOVER_ABORTED);
    return true;
}

/* The first error counts; whether the source takes writes again is said with it. */
static bool fail(struct cutover *c, struct err *e)
{
    struct err lifting;
    explain(c, e);
    if (cutover_give_up(c, e->text, &lifting)) {
        cutover_say(c, "the fence is lifted: the %s takes writes as before", side_name(SIDE_SOURCE));
        return false;
    }
    struct err first = *e;
    *e = lifting;
    e->hint[0] = '\0';
    e->kind = first.kind;
    err_set(e, first.kind, "%.450s; the cutover failed: %.400s", lifting.text, first.text);
    return err_hint(e, "%s", lifting.hint);
}

/* ---- the turn ---- */

/* The other side's fence comes down: from that commit on the application may write there. Where nobody can tell
 * whether it did, this side's fence stays: what both sides take is what cannot be mended. */
static bool let_write_there(struct cutover *c, struct err *e)
{
    struct watch *w = NULL;
    const struct fence_move how = {.reason = "the other side's switch"};
    struct cutover_now there;
    bool ok = false, moved;
    uint64_t until = clock_ms() + INSIST_MS;
    for (bool again = false; !ok && (!again || clock_ms() < until); again = true) {
        if (again) {
            conn_close(c->there);
            c->there = NULL;
            w = w != NULL ? w : watch_new(NULL, INSIST_MS);
            clock_sleep_ms(AGAIN_MS);
            if (!cutover_connect(c, SIDE_TARGET, watch_interrupt(w), &c->there, e))
                continue;
        }
        ok = fence_move(c->there, &c->other, CUTOVER_TURN, &how, NULL, &moved, e) &&
             (moved || fence_read(c->there, &c->other, c->a, &there, e));
        if (ok && !moved && there.closed) {
            ok = err_set(e, ERR_CONFLICT, "its fence is in state %s", cutover_state_name(there.state));
            break;
        }
    }
    if (w != NULL) { /* the session has its interrupt */
        conn_close(c->there);
        c->there = NULL;
        watch_free(w);
    }
    if (ok)
        return true;
    cutover_say(c, "WRITES ARE OFF AT BOTH SIDES");
    err_context(e, "WRITES ARE OFF AT BOTH SIDES: the %s could not be told to take them",
                side_name(SIDE_TARGET));
    e->hint[0] = '\0';
    return err_hint(e,
                    "the same command goes on from here; or, to let the %s write again: repl cutover --abort",
                    side_name(SIDE_SOURCE));
}

static bool turn(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    if (!let_write_there(c, e))
        return false;
    c->times.turn += cutover_seconds_since(began);
    cutover_say(c, "the %s takes writes", side_name(SIDE_TARGET));
    return true;
}

bool cutover_settle_other(struct cutover *c, struct err *e)
{
    const struct fence_move how = {.reason = NULL};
    struct cutover_now there;
    bool moved = true;
    if (!c->o->turns || c->now.closed)
        return true;
    struct capture other = {.schema = c->other.schema}; /* before the first time it is not there */
    if (!capture_find(c->there, &other, e) || !fence_read(c->there, &other, c->a, &there, e))
        return false;
    if (there.state != CUTOVER_SWITCHING || there.lapsed)
        return true;
    if (there.alive) {
        err_set(e, ERR_NOT_YET, "the switch to the %s has not ended: its command runs (session %d of the %s)",
                side_name(SIDE_SOURCE), there.pid, side_name(SIDE_TARGET));
        return err_hint(e, "wait for it; then the same command again");
    }
    return fence_move(c->there, &c->other, CUTOVER_DONE, &how, NULL, &moved, e) &&
           (moved || err_set(e, ERR_CONFLICT, "another command has taken the cutover over"));
}

/* What was switched off at the old source is restored while the switch can still be undone. */
static bool wake(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    if (!c->o->turns)
        return true;
    if (c->s->back && !back_wake(c->target, c->s->schema, e))
        return err_context(e, "on the %s", side_name(SIDE_TARGET));
    c->times.turn = cutover_seconds_since(began);
    fault_point("cutover.awake");
    return true;
}

/* ---- the states ---- */

static bool move(struct cutover *c, enum cutover_event event, const char *mark, struct err *e)
{
    const struct fence_move how = {.attempt = c->attempt, .mark = mark, .lease_ms = LEASE_MS};
    bool moved;
    if (!fence_move(c->fence, &c->capture, event, &how, &c->attempt, &moved, e))
        return false;
    if (moved) {
        c->now.state = cutover_leads_to(event);
        return true;
    }
    err_set(
        e, ERR_CONFLICT,
        "the fence on the %s did not stand without a break, or another command has taken the cutover over",
        side_name(SIDE_SOURCE));
    return err_hint(e, "repl status; then the same command again");
}

static bool begin(struct cutover *c, struct err *e)
{
    c->lease = lease_new(c->watch, c->s, &c->capture, LEASE_MS, e);
    if (c->lease == NULL)
        return false;
    uint64_t asked = clock_ms();
    c->pid = conn_backend_pid(c->fence);
    watch_deadline(c->watch, c->o->timeout_ms + 500);
    c->fenced_ms = asked;
    if (!move(c, CUTOVER_BEGIN, NULL, e))
        return false;
    lease_start(c->lease, c->attempt, asked);
    fault_point("cutover.begun");
    return move(c, CUTOVER_UP, NULL, e);
}

/* The last moment in which a write that slipped through is found. */
static bool stand_for_good(struct cutover *c, struct err *e)
{
    char *mark;
    bool holds;
    if (!cutover_mark(c, &mark, e))
        return false;
    bool ok = move(c, CUTOVER_SWITCH, mark, e);
    free(mark);
    if (!ok)
        return false;
    fault_point("cutover.switching");
    if (!fence_seal(c->fence, &c->capture, c->attempt, &holds, e))
        return false;
    if (!holds) {
        err_set(e, ERR_CONFLICT,
                "the lease of the fence was over before the switch: a write may have gone through");
        return err_hint(e, "nothing is lost; the same command again");
    }
    lease_end(c->lease);
    c->lease = NULL;
    watch_deadline(c->watch, 0);
    fault_point("cutover.sealed");
    return true;
}

bool cutover_switch(struct cutover *c, struct err *e)
{
    char at[32];
    fault_point("cutover.before_fence");
    uint64_t began = clock_us();
    if (!begin(c, e))
        return fail(c, e);
    c->times.fence = cutover_seconds_since(began);
    tell_engine(c, CUTOVER_FENCED);
    cutover_say(c, "fence: writes to the %s fail with SQLSTATE 25006 since %s", side_name(SIDE_SOURCE),
                clock_iso(at, sizeof at, clock_wall()));
    if (!cutover_behind_the_fence(c, e) || !move(c, CUTOVER_DRAIN, NULL, e))
        return fail(c, e);
    fault_point("cutover.checked");
    if (!wake(c, e) || !stand_for_good(c, e))
        return fail(c, e);
    if (c->o->turns && !turn(c, e))
        return false;
    c->times.paused = cutover_seconds_since(began);
    fault_point("cutover.turned");
    tell_engine(c, CUTOVER_SWITCHING);
    return !c->o->turns || cutover_complete(c, e);
}

bool cutover_resume(struct cutover *c, struct err *e)
{
    c->attempt = 0;
    if (!move(c, CUTOVER_RESUME, NULL, e))
        return false;
    return !c->o->turns || (turn(c, e) && cutover_complete(c, e));
}

bool cutover_complete(struct cutover *c, struct err *e)
{
    struct insisting i = {0};
    bool ok = false, moved = false;
    const struct fence_move how = {.attempt = c->attempt};
    if (watch_why(c->watch) == WATCH_GOES_ON) /* else the session would not listen */
        ok = fence_move(c->fence, &c->capture, CUTOVER_DONE, &how, NULL, &moved, e);
    while (!ok && (i.watch == NULL || insist_again(&i, e)))
        ok = insist_connect(c, &i, e) &&
             fence_move(c->fence, &c->capture, CUTOVER_DONE, &how, NULL, &moved, e);
    if (ok && !moved)
        ok = cutover_look(c, e) &&
             (c->now.state == CUTOVER_COMPLETE ||
              err_set(e, ERR_CONFLICT, "another command has moved the cutover to state %s",
                      cutover_state_name(c->now.state)));
    if (i.watch != NULL)
        insist_end(c, &i);
    fault_point("cutover.completed");
    if (ok) {
        tell_engine(c, CUTOVER_COMPLETE);
        return true;
    }
    err_context(e, "the %s could not be told that the switch is through; its fence is up",
                side_name(SIDE_SOURCE));
    return err_hint(e, "nothing is lost; when it answers: repl cutover %s",
                    !c->o->turns ? "--resume"
                    : c->s->back ? "--back"
                                 : "--fallback");
}

bool cutover_finish(struct cutover *c, struct err *e)
{
    const struct back_options o = {.say = c->o->say, .arg = c->o->arg};
    return (c->views_s * 1000 < QUICK_VIEWS_MS || cutover_refresh_views(c, e)) &&
           (!c->s->back || back_validate(c->target, c->s->schema, &o, e));
}
