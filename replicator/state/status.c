#include "repl/status.h"

#include <stdlib.h>
#include <string.h>

static const char *const phase_names[] = {
    [PHASE_COPYING] = "copying",     [PHASE_INDEXING] = "indexing", [PHASE_CATCHING_UP] = "catching_up",
    [PHASE_FOLLOWING] = "following", [PHASE_PAUSED] = "paused",     [PHASE_FENCED] = "fenced",
    [PHASE_STOPPED] = "stopped",     [PHASE_FAILED] = "failed",
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

void status_free(struct status *s)
{
    free(s->engine.version);
    free(s->engine.since);
    free(s->workers.error);
    free(s->load.slowed);
    free(s->position);
    free(s->copy.from);
    free(s->last_batch.at);
    free(s->step.name);
    for (size_t i = 0; i < s->step.nrunning; i++) {
        free(s->step.running[i].what);
        free(s->step.running[i].table);
        free(s->step.running[i].phase);
    }
    free(s->step.running);
    for (size_t i = 0; i < s->ntables; i++) {
        free(s->tables[i].schema);
        free(s->tables[i].name);
        free(s->tables[i].phase);
        free(s->tables[i].error);
    }
    free(s->tables);
    for (size_t i = 0; i < s->nwaits; i++) {
        free(s->waits[i].side);
        free(s->waits[i].step);
        free(s->waits[i].table);
        free(s->waits[i].blocker.user);
        free(s->waits[i].blocker.name);
    }
    free(s->waits);
    free(s->cutover.state);
    free(s->cutover.since);
    free(s->cutover.why);
    for (size_t i = 0; i < s->nerrors; i++) {
        free(s->errors[i].at);
        free(s->errors[i].table);
        free(s->errors[i].message);
        free(s->errors[i].hint);
    }
    free(s->errors);
    free(s->doubt.since);
    free(s->doubt.reason);
    free(s->next);
    free(s->note);
    memset(s, 0, sizeof *s);
}
