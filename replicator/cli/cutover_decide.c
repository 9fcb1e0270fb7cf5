/* What the state of the cutover makes of the command: begin, go on, or nothing. */
#include <stdio.h>

#include "cutover_run.h"

static const char *goes_on(const struct cutover_run *r)
{
    return !cutover_turns(r) ? "" : r->c->sync.back ? " --back" : " --fallback";
}

bool cutover_is_free(const struct cutover_now *now, struct err *e)
{
    if (!cutover_under_way(now->state) || !now->alive)
        return true;
    err_set(e, ERR_NOT_YET,
            "a cutover is under way: it is %s since %s, and its command runs (session %d of the %s)",
            cutover_state_name(now->state), now->since, now->pid, side_name(SIDE_SOURCE));
    return err_hint(e, "wait for it, or end it: repl cutover --abort");
}

static bool refuse_switching(const struct cutover_now *now, struct err *e)
{
    err_set(e, ERR_NOT_YET,
            "the switch began at %s and did not end: writes to the %s are off until it is decided",
            now->since, side_name(SIDE_SOURCE));
    return err_hint(e, CUTOVER_ASK);
}

static void tell_complete(const struct cutover_now *now)
{
    const char *to = side_name(SIDE_TARGET), *from = side_name(SIDE_SOURCE);
    printf("the cutover is complete since %s; the %s takes writes; nothing to do\n", now->since, to);
    printf("the %s refuses writes: a session that still uses it gets SQLSTATE 25006\n", from);
    puts("in a day or two, when all is well: repl stop, then repl cleanup");
    printf("back, losing what was written on the %s since: repl cutover --abort says how much that is, and "
           "asks\n",
           to);
}

/* The state is always printed, so that nobody takes one cutover for another. */
bool cutover_decide(struct cutover_run *r, struct cutover *cut, enum cutover_decision *out, struct err *e)
{
    const struct cutover_now *now = cutover_state(cut);
    const bool resume = args_has(&r->c->args, "resume");
    *out = CUTOVER_BEGINS;
    if (now->lapsed) {
        printf("the cutover that began at %s did not come to the switch: its lease is over, and writes to "
               "the %s went "
               "on\n",
               now->fenced_at, side_name(SIDE_SOURCE));
        if (!cutover_clear(cut, e))
            return false;
        now = cutover_state(cut);
    }
    if (!cutover_is_free(now, e))
        return false;
    if (now->state == CUTOVER_COMPLETE) {
        tell_complete(now);
        *out = CUTOVER_IS_THROUGH;
    } else if (now->state == CUTOVER_SWITCHING) {
        if (!resume && !cutover_turns(r))
            return refuse_switching(now, e);
        printf("the switch began at %s and did not end: it goes on\n", now->since);
        *out = CUTOVER_GOES_ON;
    } else if (now->state == CUTOVER_CLEANED) {
        err_set(e, ERR_CONFIG, "capture was switched off by repl cleanup");
        return err_hint(e, "repl cleanup, to its end; then repl init");
    } else if (resume) {
        err_set(e, ERR_CONFIG, "no switch is to be resumed: the cutover's state is \"%s\"",
                cutover_state_name(now->state));
        return err_hint(e, "repl cutover%s", goes_on(r));
    } else if (cutover_under_way(now->state)) {
        printf("a cutover that began at %s did not end: this one begins again behind its fence\n",
               now->fenced_at);
    }
    fflush(stdout);
    return true;
}
