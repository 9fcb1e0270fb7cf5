/*
 * The cutover as the engine sees it. While a fence is up the source is asked what became of it: a cutover whose command is
 * gone ends with its lease, and the engine says so and takes the fence out of the functions.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "repl/clock.h"
#include "repl/fence.h"

enum { UNDER_WAY_MS = 2000, STANDING_MS = 10000 };

struct fence_task {
    struct task task;
    struct cutover_now now;
    bool lifted;
};

bool fence_look(struct conn *source, const struct capture *c, struct arena *a, struct cutover_now *now,
                bool *lifted, struct err *e)
{
    return fence_read(source, c, a, now, e) && fence_tidy(source, c, now, lifted, e) &&
           (!*lifted || fence_read(source, c, a, now, e));
}

void fence_keep(struct engine *g, const struct cutover_now *now, bool lifted)
{
    free(g->cutover.since);
    free(g->cutover.why);
    g->cutover.known = true;
    g->cutover.state = now->state;
    g->cutover.since = xstrdup(now->since);
    g->cutover.why = xstrdup(now->why);
    if (lifted)
        engine_say(g, LOG_WARN, NULL,
                   "a cutover ended before the switch (%s): writes to the %s go through, and are captured",
                   now->why[0] != '\0' ? now->why : "its command is gone", side_name(SIDE_SOURCE));
    if (g->fenced != now->closed)
        engine_say(g, LOG_INFO, NULL,
                   now->closed ? "writes to the %s are switched off (cutover)"
                               : "writes to the %s go through again",
                   side_name(SIDE_SOURCE));
    g->fenced = now->closed;
}

static bool job_fence(struct worker *w, struct job *job, struct err *e)
{
    struct fence_task *t = (struct fence_task *)job;
    struct conn *source;
    return worker_source(w, &source, e) &&
           fence_look(source, &t->task.world->capture, t->task.mem, &t->now, &t->lifted, e);
}

static void looked(struct engine *g, struct task *task)
{
    struct fence_task *t = (struct fence_task *)task;
    g->cutover.asking = false;
    if (t->task.job.ok)
        fence_keep(g, &t->now, t->lifted);
    else
        supervise_error(g, &t->task.job.err);
    engine_go_on_beside(g);
    finish_dispatch(g);
    if (g->look_wanted)
        follow_look(g);
}

void fence_tick(struct engine *g)
{
    uint64_t now = clock_ms();
    const bool wanted = g->fenced || (g->cutover.known && g->cutover.asked_ms == 0);
    uint64_t every = g->cutover.known && cutover_under_way(g->cutover.state) ? UNDER_WAY_MS : STANDING_MS;
    if (!wanted || g->world == NULL || g->stopping || engine_in_trouble(g) || g->cutover.asking ||
        g->o->once || g->life == LIFE_OPENING || g->life == LIFE_WAITING || now - g->cutover.asked_ms < every)
        return;
    struct fence_task *t = task_new(sizeof *t, job_fence, looked);
    g->cutover.asking = true;
    g->cutover.asked_ms = now;
    engine_submit(g, &t->task.job);
}

/* The command tells what it has done; what became of it is asked soon. */
void fence_told(struct engine *g, bool up, const char *state)
{
    struct err ignored;
    if (g->fenced != up)
        engine_say(g, LOG_INFO, NULL,
                   up ? "writes to the %s are switched off (cutover)" : "writes to the %s go through again",
                   side_name(SIDE_SOURCE));
    g->fenced = up;
    g->cutover.known = state != NULL && cutover_state_parse(state, &g->cutover.state, &ignored);
    free(g->cutover.since);
    free(g->cutover.why);
    g->cutover.since = xstrdup("");
    g->cutover.why = xstrdup("");
    g->cutover.asked_ms = 0; /* when it became that, and what becomes of it, the source says */
}

/* ---- what status says ---- */

char *fence_next(const char *state, const char *since, bool back, bool turns)
{
    const char *from = back ? "target" : "source", *to = back ? "source" : "target";
    const char *same = !turns ? "" : back ? " --back" : " --fallback";
    if (state != NULL && strcmp(state, "switching") == 0 && !turns)
        return xasprintf(
            "was the application switched to the %s? yes: repl cutover --resume; no: repl cutover "
            "--abort",
            to);
    if (state != NULL && strcmp(state, "complete") == 0)
        return xasprintf(
            "the cutover is complete%s%s: the application writes at the %s; in a day or two, when all is "
            "well: repl stop, repl cleanup (back: repl cutover --abort)",
            since != NULL && since[0] != '\0' ? " since " : "", since != NULL ? since : "", to);
    if (turns)
        return xasprintf(
            "a switch has not ended: repl cutover%s goes on, repl cutover --abort lets the %s write "
            "again",
            same, from);
    return xasprintf(
        "a cutover is under way; if its command is gone the %s takes writes again within seconds (at once: "
        "repl cutover --abort)",
        from);
}

void fence_status(const struct engine *g, struct status *out)
{
    if (!g->cutover.known)
        return;
    out->cutover.state = xstrdup(cutover_state_name(g->cutover.state));
    out->cutover.since = g->cutover.since[0] != '\0' ? xstrdup(g->cutover.since) : NULL;
    out->cutover.why = g->cutover.why[0] != '\0' ? xstrdup(g->cutover.why) : NULL;
}

void fence_free(struct engine *g)
{
    free(g->cutover.since);
    free(g->cutover.why);
}
