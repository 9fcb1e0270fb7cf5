/* The life-cycle. */
#ifndef REPL_ENGINE_PHASE_H
#define REPL_ENGINE_PHASE_H

#include "repl/status.h"

struct engine;

enum life {
    LIFE_OPENING,
    LIFE_COPYING,
    LIFE_INDEXING,
    LIFE_CATCHING_UP,
    LIFE_FINISHING,
    LIFE_FOLLOWING,
    LIFE_WAITING
};

enum event {
    EV_TO_COPY,   /* opened; tables are not copied yet */
    EV_TO_INDEX,  /* opened; the load is complete, its indexes are not */
    EV_TO_FOLLOW, /* opened; what is left are changes */
    EV_COPIED,
    EV_INDEXED,
    EV_BEHIND,     /* more is owed than one batch may bring */
    EV_CAUGHT_UP,  /* a pass over the backlog is through */
    EV_CONSISTENT, /* the target shows one source snapshot; constraints are missing */
    EV_FOLLOW,     /* the target shows one source snapshot; nothing is missing */
    EV_FINISHED,   /* constraints and statistics are there */
    EV_CHANGED,    /* the sync has other tables than the world knows */
    EV_TROUBLE,    /* an error; no job is in flight any more */
    EV_AGAIN       /* the wait after an error is over */
};

/* Looks up the row of (life, event), moves there and calls its function. An event without a row is a bug: aborts. */
void phase_fire(struct engine *g, enum event ev);

/* What status says; and where the work stands, whether or not it goes on just now. */
enum phase phase_shown(const struct engine *g);
enum phase phase_reached(const struct engine *g);

/* For docs/phases.md: the table, row by row; NULL behind the last. */
struct phase_row {
    const char *from, *event, *to, *comment;
};
bool phase_row(unsigned index, struct phase_row *out);

#endif
