/* Which way the changes go (docs/fallback.md): asked before a cutover, told to the engine after it. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "cutover_run.h"
#include "repl/clock.h"

bool cutover_turns(const struct cutover_run *r)
{
    return args_has(&r->c->args, "fallback") || args_has(&r->c->args, "back");
}

/* ---- before ---- */

bool cutover_refuse(struct err *e, const char *text, const char *hint)
{
    err_set(e, ERR_CONFIG, "%s", text);
    return err_hint(e, "%s", hint);
}

/* What was asked for, against what both sides say. */
bool cutover_may_begin(const struct cutover_run *r, struct err *e)
{
    const struct ways *w = &r->ways;
    bool back = args_has(&r->c->args, "back"), fallback = args_has(&r->c->args, "fallback");
    if (w->undecided && w->back != back)
        return cutover_refuse(
            e, w->back ? "a switch back to the source has not ended" : "a switch to the target has not ended",
            w->back ? "repl cutover --back goes on; repl cutover --abort lets the target write again"
                    : "repl cutover --fallback goes on; repl cutover --abort lets the source write again");
    if (w->back && !cutover_turns(r))
        return cutover_refuse(e,
                              "the application writes at the target, and its changes come back to the source",
                              "to switch back: repl cutover --back; to stay: repl stop, repl cleanup");
    if (back && !w->prepared)
        return w->here
                   ? cutover_refuse(
                         e,
                         "the cutover was made without --fallback: nothing that is written at the target "
                         "comes back by itself",
                         "repl cutover --abort lets the source take writes again; it says first what "
                         "was written at the target since")
                   : cutover_refuse(e,
                                    "the application writes at the source: there is nothing to go back from",
                                    "repl cutover --fallback switches to the target with a way back");
    if (w->prepared && !cutover_turns(r))
        return cutover_refuse(e, "a way back is prepared, and the target takes no writes without it",
                              "repl cutover --fallback, or take it away first: repl cutover --abort");
    if (fallback && w->here && !w->prepared)
        return cutover_refuse(
            e, "writes to the source are off already, by a cutover without a way back",
            "while nothing was written to the target: repl cutover --abort, then repl cutover --fallback");
    return true;
}

/* Nobody needs to ask where there was never a way back. */
bool cutover_find_way(struct cutover_run *r, struct err *e)
{
    char *known = NULL;
    if (!state_get(r->c->state, "way", &known, e))
        return false;
    bool wanted = known != NULL || cutover_turns(r);
    free(known);
    return !wanted || ways_settle(&r->c->sync, r->c->state, &r->ways, e);
}

/* ---- after ---- */

enum { TURN_MS = 60000 };

bool cutover_tell_engine(struct cutover_run *r, bool back, enum engine_way *out, struct err *e)
{
    const struct control_request ask = {.command = "status", .timeout_ms = ANSWER_MS};
    const struct control_request turn = {.command = "turn", .timeout_ms = ANSWER_MS};
    struct status st = {0};
    struct err why;
    bool running = false;
    *out = ENGINE_NONE;
    if (!ways_remember(r->c->state, back ? "back" : "forward", e))
        return false;
    bool ok = control_ask(r->c->dir, &ask, &running, &st, &why);
    if (ok && running)
        *out = st.back == back ? ENGINE_GOES : ENGINE_TURNS;
    if (*out == ENGINE_TURNS)
        ok = control_ask(r->c->dir, &turn, &running, NULL, &why);
    status_free(&st);
    if (!ok)
        fprintf(stderr, "repl: the engine could not be told, start it again: repl stop, repl start: %s\n",
                why.text);
    return true;
}

bool cutover_await_engine(struct cutover_run *r, bool back)
{
    const struct control_request request = {.command = "status", .timeout_ms = ANSWER_MS};
    uint64_t deadline = clock_ms() + TURN_MS;
    bool there = false;
    while (!there && clock_ms() < deadline && interrupt_level(r->interrupt) == INTERRUPT_NONE) {
        struct status st = {0};
        struct err ignored;
        bool running;
        there = control_ask(r->c->dir, &request, &running, &st, &ignored) && running && st.back == back &&
                (status_phase(&st) == PHASE_FOLLOWING || status_phase(&st) == PHASE_FENCED);
        status_free(&st);
        if (!there)
            clock_sleep_ms(100);
    }
    return there;
}

bool cutover_align_engine(struct cutover_run *r, struct err *e)
{
    enum engine_way way;
    if (!r->ways.prepared)
        return true;
    if (!cutover_tell_engine(r, r->c->sync.back, &way, e))
        return false;
    if (way != ENGINE_TURNS || cutover_await_engine(r, r->c->sync.back))
        return true;
    err_set(e, ERR_NOT_YET, "the engine went the other way, and has not turned around yet");
    return err_hint(e, "repl status; then the same command again");
}
