/*
 * The steps of a cutover, in the order in which they are safe: what takes long first, while the application writes;
 * then the fence, and only what must be exact behind it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_private.h"
#include "repl/fault.h"

enum { LIFT_TRIES = 5 };

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

static bool connect_side(const struct cutover *c, enum side side, const struct interrupt *i,
                         struct conn **out, struct err *e)
{
    const struct conn_options o = {.side = side,
                                   .purpose = "cutover",
                                   .origin = c->capture.sync_id[0] != '\0' ? c->capture.sync_id : NULL,
                                   .lock_timeout_ms = 10000,
                                   .interrupt = i};
    return conn_open(side == SIDE_SOURCE ? c->s->source : c->s->target, &o, out, e);
}

bool cutover_open(const struct sync *s, const struct cutover_options *o, struct cutover **out, struct err *e)
{
    struct cutover *c = xcalloc(1, sizeof *c);
    c->s = s;
    c->o = o;
    c->a = arena_new();
    c->capture.schema = s->schema;
    c->other.schema = s->twin;
    *out = c;
    bool ok = connect_side(c, SIDE_SOURCE, NULL, &c->fence, e) && capture_find(c->fence, &c->capture, e);
    memcpy(c->other.sync_id, c->capture.sync_id, sizeof c->other.sync_id);
    if (ok && c->capture.sync_id[0] == '\0') {
        ok = err_set(e, ERR_CONFIG, "capture is not installed on the source (no schema %s)", s->schema);
        err_hint(e, "run: repl init");
    }
    ok = ok && (o->lift_only || (connect_side(c, SIDE_SOURCE, o->interrupt, &c->source, e) &&
                                 connect_side(c, SIDE_TARGET, o->interrupt, &c->target, e) &&
                                 (!o->turns || connect_side(c, SIDE_TARGET, NULL, &c->there, e))));
    if (!ok) {
        cutover_close(c);
        *out = NULL;
    }
    return ok;
}

void cutover_close(struct cutover *c)
{
    if (c == NULL)
        return;
    conn_close(c->source);
    conn_close(c->target);
    conn_close(c->fence);
    conn_close(c->there);
    arena_free(c->a);
    free(c);
}

const struct cutover_times *cutover_times(const struct cutover *c)
{
    return &c->times;
}

/* ---- the fence ---- */

bool cutover_put_up(struct cutover *c, bool for_good, int64_t *functions, struct err *e)
{
    uint64_t began = clock_us();
    bool ok = pg_exec(c->fence, "BEGIN; SET LOCAL synchronous_commit = on", e) &&
              capture_fence(c->fence, &c->capture, functions, e) &&
              pg_exec(c->fence, for_good ? "COMMIT" : "ROLLBACK", e);
    if (!ok)
        pg_reset(c->fence);
    c->times.fence = cutover_seconds_since(began);
    return ok;
}

/* The session may be lost with whatever cut it off: then another is opened. */
static bool lift_on(const struct cutover *c, enum side side, struct conn **session,
                    const struct capture *capture, int64_t *functions, struct err *e)
{
    for (int i = 0; i < LIFT_TRIES; i++) {
        if (*session == NULL || !conn_usable(*session)) {
            conn_close(*session);
            *session = NULL;
            clock_sleep_ms(i == 0 ? 0 : 500);
            if (!connect_side(c, side, NULL, session, e))
                continue;
        }
        if (capture_lift_fence(*session, capture, functions, e))
            return true;
        if (!err_is_transient(e))
            return false;
    }
    return false;
}

bool cutover_lift(struct cutover *c, bool *stood, struct err *e)
{
    int64_t functions = 0;
    bool ok = lift_on(c, SIDE_SOURCE, &c->fence, &c->capture, &functions, e);
    *stood = functions != 0;
    fault_point("cutover.lifted");
    if (!ok)
        return err_hint(e, "WRITES TO THE %s MAY STILL BE OFF. Type: repl cutover --abort",
                        c->s->back ? "TARGET" : "SOURCE");
    c->fenced_ms = 0;
    if (c->o->fenced != NULL)
        c->o->fenced(c->o->arg, false);
    return true;
}

bool cutover_time_is_up(const struct cutover *c, struct err *e)
{
    if (interrupt_level(c->o->interrupt) != INTERRUPT_NONE) {
        err_set(e, ERR_STOPPED, "interrupted");
        return true;
    }
    if (clock_ms() - c->fenced_ms < c->o->timeout_ms)
        return false;
    err_set(e, ERR_NOT_YET, "not done within %.1f s", c->o->timeout_ms / 1000.0);
    return true;
}

static unsigned time_left(const struct cutover *c)
{
    uint64_t stood = clock_ms() - c->fenced_ms;
    return stood < c->o->timeout_ms ? c->o->timeout_ms - (unsigned)stood : 1;
}

/* ---- behind the fence ---- */

static bool drain(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    if (!c->o->kick(c->o->arg, time_left(c), e)) {
        if (e->kind == ERR_NOT_YET)
            err_hint(e, "try again when less is written, or with a longer --timeout");
        return false;
    }
    c->times.drain = cutover_seconds_since(began);
    cutover_say(c, "drained in %.2f s", c->times.drain);
    return true;
}

/* As they stood when the last writer had ended. Those that are refused behind the fence draw numbers all the same, which
 * nobody ever uses. */
static bool move_sequences(struct cutover *c, struct err *e)
{
    struct sequences to;
    struct sequence_value *ahead;
    struct buf sql = {0};
    size_t n;
    uint64_t began = clock_us();
    if (!sequences_read(c->source, c->s->schema, c->a, &c->sequences, e) ||
        !sequences_read(c->target, c->s->schema, c->a, &to, e))
        return false;
    sequences_ahead(&c->sequences, &to, c->a, &ahead, &n);
    for (size_t i = 0; i < n; i++)
        buf_puts(&sql, sequence_set_sql(c->a, &ahead[i]));
    bool ok = n == 0 || pg_exec(c->target, sql.data, e);
    buf_free(&sql);
    c->times.sequences = cutover_seconds_since(began);
    if (!ok)
        return err_context(e, "setting sequences");
    cutover_say(c, "sequences: %zu of %zu moved on, the others stood where they should", n,
                c->sequences.count);
    return true;
}

/* What the engine has said is looked at once more, by another session: nothing is owed, no sequence is behind. */
static bool check(struct cutover *c, struct err *e)
{
    struct target_state t;
    struct owed_list owed;
    struct sequences to;
    struct sequence_value *ahead;
    size_t n;
    uint64_t began = clock_us();
    if (!target_read(c->target, c->s->schema, c->a, &t, e))
        return false;
    const struct positions p = target_positions(&t, c->a);
    if (!capture_backlog(c->source, &c->capture, &p, 1, c->a, &owed, e) ||
        !sequences_read(c->target, c->s->schema, c->a, &to, e))
        return false;
    sequences_ahead(&c->sequences, &to, c->a, &ahead, &n);
    if (!cutover_tables_stand(c, e))
        return false;
    c->times.check = cutover_seconds_since(began);
    if (owed.count != 0) {
        err_set(e, ERR_NOT_YET, "changes of %zu table%s are still owed", owed.count,
                owed.count == 1 ? "" : "s");
        return err_hint(e, "repl status; a paused table stays behind: repl resume TABLE");
    }
    if (n != 0)
        return err_set(e, ERR_CONFLICT,
                       "sequence %s stands behind the source's: does somebody set it on the target?",
                       ahead[0].sql);
    cutover_say(c, "checked: nothing is owed, no sequence is behind");
    return true;
}

/* ---- the turn ---- */

/* The other side's fence comes down: from that commit on the application may write there. Where nobody can tell
 * whether it did, this side's fence stays: what both sides take is what cannot be mended. */
static bool let_write_there(struct cutover *c, struct err *e)
{
    int64_t functions;
    if (lift_on(c, SIDE_TARGET, &c->there, &c->other, &functions, e))
        return true;
    err_context(e, "WRITES ARE OFF AT BOTH SIDES: the %s could not be told to take them",
                side_name(SIDE_TARGET));
    return err_hint(e,
                    "the same command goes on from here; or, to let the %s write again: repl cutover --abort",
                    side_name(SIDE_SOURCE));
}

static bool turn(struct cutover *c, bool *told, struct err *e)
{
    uint64_t began = clock_us();
    *told = false;
    if (!c->o->turns)
        return true;
    if (c->s->back && !back_wake(c->target, c->s->schema, e))
        return err_context(e, "on the %s", side_name(SIDE_TARGET));
    fault_point("cutover.awake");
    *told = true;
    if (!let_write_there(c, e))
        return false;
    c->times.turn = cutover_seconds_since(began);
    cutover_say(c, "the %s takes writes", side_name(SIDE_TARGET));
    return true;
}

static bool behind_the_fence(struct cutover *c, struct err *e)
{
    fault_point("cutover.fenced");
    if (!cutover_await_writers(c, e))
        return false;
    fault_point("cutover.writers");
    if (!drain(c, e))
        return false;
    fault_point("cutover.drained");
    if (!move_sequences(c, e) || !cutover_copy_objects(c, e))
        return false;
    if (c->views_s * 1000 < QUICK_VIEWS_MS && !cutover_refresh_views(c, e))
        return false;
    fault_point("cutover.moved");
    return check(c, e);
}

/* The error that is told is the first one; that the source writes again, or does not, is told with it. */
static bool give_up(struct cutover *c, struct err *e)
{
    struct err lifting;
    bool stood;
    if (cutover_lift(c, &stood, &lifting)) {
        cutover_say(c, "the fence is lifted: the %s takes writes as before", side_name(SIDE_SOURCE));
        return false;
    }
    err_context(e, "%s; and the fence could not be lifted (%s)", "the cutover failed", lifting.text);
    e->hint[0] = '\0';
    return err_hint(e, "%s", lifting.hint);
}

bool cutover_switch(struct cutover *c, struct err *e)
{
    int64_t functions;
    char at[32];
    bool told;
    fault_point("cutover.before_fence");
    c->fenced_ms = clock_ms();
    uint64_t began = clock_us();
    if (!cutover_put_up(c, true, &functions, e)) {
        return give_up(c, e);
    }
    if (c->o->fenced != NULL)
        c->o->fenced(c->o->arg, true);
    cutover_say(c, "fence: writes to the %s fail with SQLSTATE 25006 since %s", side_name(SIDE_SOURCE),
                clock_iso(at, sizeof at, clock_wall()));
    if (!behind_the_fence(c, e))
        return give_up(c, e);
    fault_point("cutover.checked");
    if (!turn(c, &told, e))
        return !told && give_up(c, e);
    c->times.paused = cutover_seconds_since(began);
    fault_point("cutover.turned");
    return true;
}

bool cutover_finish(struct cutover *c, struct err *e)
{
    const struct back_options o = {.say = c->o->say, .arg = c->o->arg};
    return (c->views_s * 1000 < QUICK_VIEWS_MS || cutover_refresh_views(c, e)) &&
           (!c->s->back || back_validate(c->target, c->s->schema, &o, e));
}

bool cutover_target_counter(struct cutover *c, int64_t *counter, struct err *e)
{
    struct result *r;
    if (c->target == NULL && !connect_side(c, SIDE_TARGET, c->o->interrupt, &c->target, e))
        return false;
    if (!pg_query(c->target, "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())", 0,
                  NULL, &r, e))
        return false;
    *counter = result_int(r, 0, 0);
    result_free(r);
    return true;
}
