#include "repl/status.h"

#include <stdlib.h>
#include <string.h>

#include "repl/str.h"

static const char *const phase_names[] = {
    [PHASE_COPYING] = "copying",     [PHASE_INDEXING] = "indexing", [PHASE_CATCHING_UP] = "catching_up",
    [PHASE_FOLLOWING] = "following", [PHASE_PAUSED] = "paused",     [PHASE_FENCED] = "fenced",
    [PHASE_STOPPED] = "stopped",     [PHASE_RETRYING] = "retrying", [PHASE_FAILED] = "failed",
};

const char *phase_name(enum phase p)
{
    return phase_names[p];
}

bool phase_parse(const char *name, enum phase *out)
{
    for (size_t i = 0; i < sizeof phase_names / sizeof *phase_names; i++) {
        if (strcmp(phase_names[i], name) == 0) {
            *out = (enum phase)i;
            return true;
        }
    }
    return false;
}

/* Every text that it holds: for the end, and for showing it. */
static void each_text(struct status *s, void (*with)(char **text))
{
    with(&s->source.error);
    with(&s->target.error);
    with(&s->known_at);
    with(&s->engine.version);
    with(&s->engine.since);
    with(&s->workers.error);
    with(&s->load.slowed);
    with(&s->position);
    with(&s->copy.from);
    with(&s->last_batch.at);
    with(&s->step.name);
    for (size_t i = 0; i < s->step.nrunning; i++) {
        with(&s->step.running[i].what);
        with(&s->step.running[i].table);
        with(&s->step.running[i].phase);
    }
    for (size_t i = 0; i < s->ntables; i++) {
        with(&s->tables[i].schema);
        with(&s->tables[i].name);
        with(&s->tables[i].phase);
        with(&s->tables[i].error);
    }
    for (size_t i = 0; i < s->nwaits; i++) {
        with(&s->waits[i].side);
        with(&s->waits[i].step);
        with(&s->waits[i].table);
        with(&s->waits[i].blocker.user);
        with(&s->waits[i].blocker.name);
    }
    with(&s->cutover.state);
    with(&s->cutover.since);
    with(&s->cutover.why);
    for (size_t i = 0; i < s->ntimings; i++) {
        with(&s->timings[i].kind);
        with(&s->timings[i].name);
    }
    for (size_t i = 0; i < s->nerrors; i++) {
        with(&s->errors[i].at);
        with(&s->errors[i].table);
        with(&s->errors[i].message);
        with(&s->errors[i].hint);
    }
    with(&s->doubt.since);
    with(&s->doubt.reason);
    with(&s->next);
    with(&s->note);
}

static void end_text(char **text)
{
    free(*text);
}

static void show_text(char **text)
{
    char *shown = *text != NULL ? str_visible_copy(*text) : NULL;
    free(*text);
    *text = shown;
}

void status_visible(struct status *s)
{
    each_text(s, show_text);
}

enum phase status_phase(const struct status *s)
{
    return s->phase == PHASE_RETRYING ? s->reached : s->phase;
}

static const char *const state_names[] = {
    [STATE_OK] = "ok",
    [STATE_DEGRADED] = "degraded",
    [STATE_RETRYING] = "retrying",
    [STATE_FAILED] = "failed",
};

const char *state_name(enum status_state s)
{
    return state_names[s];
}

bool state_parse(const char *name, enum status_state *out)
{
    for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum status_state)i;
            return true;
        }
    }
    return false;
}

void status_free(struct status *s)
{
    each_text(s, end_text);
    free(s->step.running);
    free(s->tables);
    free(s->waits);
    free(s->timings);
    free(s->errors);
    memset(s, 0, sizeof *s);
}
