/* The life-cycle as one table. docs/phases.md is drawn from it. */
#include "phase.h"

#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "repl/log.h"
#include "summary.h"

static const struct transition {
    enum life from;
    enum event event;
    enum life to;
    const char *comment;
    void (*begin)(struct engine *);
} transitions[] = {
    {LIFE_OPENING, EV_TO_COPY, LIFE_COPYING, "copying tables", copy_begin},
    {LIFE_OPENING, EV_TO_INDEX, LIFE_INDEXING, "building indexes", index_begin},
    {LIFE_OPENING, EV_TO_FOLLOW, LIFE_CATCHING_UP, "looking at what changed meanwhile", follow_begin},
    {LIFE_COPYING, EV_COPIED, LIFE_INDEXING, "every table is copied; building indexes", index_begin},
    {LIFE_INDEXING, EV_INDEXED, LIFE_CATCHING_UP, "indexes are built; catching up with the changes",
     follow_begin},
    {LIFE_CATCHING_UP, EV_BEHIND, LIFE_CATCHING_UP, "a large backlog: catching up table by table",
     catchup_begin},
    {LIFE_CATCHING_UP, EV_CAUGHT_UP, LIFE_CATCHING_UP, "the pass is through; looking for the rest",
     follow_begin},
    {LIFE_CATCHING_UP, EV_CONSISTENT, LIFE_FINISHING, "caught up; adding foreign keys and triggers",
     finish_begin},
    {LIFE_CATCHING_UP, EV_FOLLOW, LIFE_FOLLOWING, "caught up; following", NULL},
    {LIFE_FINISHING, EV_FINISHED, LIFE_CATCHING_UP, "constraints are there; bringing the last changes",
     follow_begin},
    {LIFE_FOLLOWING, EV_BEHIND, LIFE_CATCHING_UP, "a large backlog: catching up table by table",
     catchup_begin},
    {LIFE_FOLLOWING, EV_CONSISTENT, LIFE_FINISHING, "new tables are in; adding foreign keys and triggers",
     finish_begin},
    {LIFE_COPYING, EV_CHANGED, LIFE_OPENING, "tables have changed: reading both sides anew", open_begin},
    {LIFE_CATCHING_UP, EV_CHANGED, LIFE_OPENING, "tables have changed: reading both sides anew", open_begin},
    {LIFE_FINISHING, EV_CHANGED, LIFE_OPENING, "tables have changed: reading both sides anew", open_begin},
    {LIFE_FOLLOWING, EV_CHANGED, LIFE_OPENING, "tables have changed: reading both sides anew", open_begin},
    {LIFE_OPENING, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_COPYING, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_INDEXING, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_CATCHING_UP, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_FINISHING, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_FOLLOWING, EV_TROUBLE, LIFE_WAITING, "waiting before another try", NULL},
    {LIFE_WAITING, EV_AGAIN, LIFE_OPENING, "trying again", open_begin},
};

static const char *const life_names[] = {
    [LIFE_OPENING] = "opening",         [LIFE_COPYING] = "copying",     [LIFE_INDEXING] = "indexing",
    [LIFE_CATCHING_UP] = "catching_up", [LIFE_FINISHING] = "finishing", [LIFE_FOLLOWING] = "following",
    [LIFE_WAITING] = "waiting",
};

static const char *const event_names[] = {
    [EV_TO_COPY] = "to copy",     [EV_TO_INDEX] = "to index",     [EV_TO_FOLLOW] = "to follow",
    [EV_COPIED] = "copied",       [EV_INDEXED] = "indexed",       [EV_BEHIND] = "behind",
    [EV_CAUGHT_UP] = "caught up", [EV_CONSISTENT] = "consistent", [EV_FOLLOW] = "follow",
    [EV_FINISHED] = "finished",   [EV_CHANGED] = "changed",       [EV_TROUBLE] = "trouble",
    [EV_AGAIN] = "again",
};

void phase_fire(struct engine *g, enum event ev)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++) {
        const struct transition *t = &transitions[i];
        if (t->from != g->life || t->event != ev)
            continue;
        if (t->to != g->life && t->to != LIFE_WAITING && t->to != LIFE_OPENING &&
            !(g->steady && t->from != LIFE_FOLLOWING))
            engine_say(g, LOG_INFO, NULL, "%s", t->comment);
        g->reached = phase_reached(g);
        summary_leaves(g);
        if (ev == EV_FOLLOW)
            summary_follows(g);
        g->life = t->to;
        g->steady = t->to == LIFE_FOLLOWING || (g->steady && ev != EV_BEHIND);
        g->note = t->comment;
        if (t->begin != NULL)
            t->begin(g);
        return;
    }
    log_error("no transition from %s by %s", life_names[g->life], event_names[ev]);
    abort();
}

bool phase_row(unsigned index, struct phase_row *out)
{
    if (index >= sizeof transitions / sizeof *transitions)
        return false;
    const struct transition *t = &transitions[index];
    *out = (struct phase_row){life_names[t->from], event_names[t->event], life_names[t->to], t->comment};
    return true;
}

enum phase phase_reached(const struct engine *g)
{
    switch (g->life) {
    case LIFE_COPYING:
        return PHASE_COPYING;
    case LIFE_INDEXING:
        return PHASE_INDEXING;
    case LIFE_CATCHING_UP:
    case LIFE_FINISHING:
        return !g->steady ? PHASE_CATCHING_UP : g->fenced ? PHASE_FENCED : PHASE_FOLLOWING;
    case LIFE_FOLLOWING:
        return g->fenced ? PHASE_FENCED : PHASE_FOLLOWING;
    default:
        break;
    }
    /* Opening, or waiting for another try. */
    return g->reached == PHASE_FOLLOWING && g->fenced ? PHASE_FENCED
           : g->reached == PHASE_FENCED && !g->fenced ? PHASE_FOLLOWING
                                                      : g->reached;
}

/* All that is left to copy waits for somebody to mend it. */
static bool copy_is_held(const struct engine *g)
{
    return g->life == LIFE_COPYING && g->in_flight == 0 && !g->reopen_wanted && drift_any(g) != NULL &&
           drift_lasts(g);
}

enum phase phase_shown(const struct engine *g)
{
    if (g->failed || copy_is_held(g))
        return PHASE_FAILED;
    if (g->paused)
        return PHASE_PAUSED;
    if ((g->trouble || g->retrying) && !supervise_reads_again(g))
        return PHASE_RETRYING;
    return phase_reached(g);
}
