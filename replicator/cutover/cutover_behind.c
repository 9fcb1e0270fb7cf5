/* Behind the fence: what the application waits for. */
#include <stdio.h>

#include "cutover_private.h"
#include "repl/fault.h"

static bool drain(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    if (!c->o->kick(c->o->arg, cutover_time_left(c), watch_interrupt(c->watch), e)) {
        if (e->kind == ERR_NOT_YET)
            err_hint(e, "try again when less is written, or with a longer --timeout");
        return false;
    }
    c->times.drain = cutover_seconds_since(began);
    cutover_say(c, "drained in %.2f s", c->times.drain);
    return true;
}

static bool set_sequences(struct cutover *c, const struct sequence_value *v, size_t n, struct err *e)
{
    struct buf sql = {0};
    for (size_t i = 0; i < n; i++)
        buf_puts(&sql, sequence_set_sql(c->a, &v[i]));
    bool ok = n == 0 || pg_exec(c->target, sql.data, e);
    buf_free(&sql);
    return ok || err_context(e, "setting sequences");
}

/* What was given out once is not given again, unless the operator wants it. */
static size_t tell_set_back(struct cutover *c, const struct sequences *to)
{
    const struct sequence *s, *there;
    size_t n = 0;
    for (size_t at = 0; (s = sequences_set_back(&c->sequences, to, &at, &there)) != NULL; n++) {
        char value[32] = "not used";
        if (s->called)
            snprintf(value, sizeof value, "%lld", (long long)s->value);
        cutover_say(c,
                    "warning: sequence %s is further on at the %s (%lld) than at the %s (%s); to set it "
                    "back, there: %s",
                    s->sql, side_name(SIDE_TARGET), (long long)there->value, side_name(SIDE_SOURCE), value,
                    sequence_set_back_sql(c->a, s));
    }
    return n;
}

/* As they were when the last writer had ended. Writers that are refused behind the fence draw numbers all the same, which
 * nobody ever uses. */
static bool move_sequences(struct cutover *c, struct err *e)
{
    struct sequences to;
    struct sequence_value *ahead, *cycled;
    size_t n, ncycled;
    uint64_t began = clock_us();
    /* The target first: what the engine brings in between is then no reason to say that the source was set back. */
    if (!sequences_read(c->target, c->s->schema, c->a, &to, e) ||
        !sequences_read(c->source, c->s->schema, c->a, &c->sequences, e))
        return false;
    sequences_cycled(&c->sequences, &to, c->a, &cycled, &ncycled);
    sequences_note(&to, cycled, ncycled);
    sequences_ahead(&c->sequences, &to, c->a, &ahead, &n);
    if (!set_sequences(c, ahead, n, e) || !set_sequences(c, cycled, ncycled, e))
        return false;
    c->times.sequences = cutover_seconds_since(began);
    size_t back = tell_set_back(c, &to);
    cutover_say(c, "sequences: %zu of %zu moved on%s%s", n + ncycled, c->sequences.count,
                ncycled != 0 ? " (with those that cycle)" : "",
                back != 0 ? ", those named above are further on, the others are where they should be"
                          : ", the others are where they should be");
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
                       "sequence %s is behind the source's: does somebody set it on the target?",
                       ahead[0].sql);
    cutover_say(c, "checked: nothing is owed, no sequence is behind");
    return true;
}

bool cutover_behind_the_fence(struct cutover *c, struct err *e)
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
