/* The step after the load that is under way, as finish.c, finish_early.c and finish_status.c share it. */
#ifndef REPL_ENGINE_FINISH_H
#define REPL_ENGINE_FINISH_H

#include "private.h"

struct step;

struct finish {
    const struct step *step;
    const char *name;
    struct units_task *plan; /* NULL until there is one */
    bool planning, marking;
    struct hold *hold; /* the plan waits for somebody else's lock */
    bool early_failed; /* what fails while tables are copied is left for the step itself */
    bool *left;        /* by unit: it was not given out yet */
    int *table;        /* by unit that may be early: the relation in the world; -1: none */
    struct unit_task **running;
    size_t nrunning, done;
    bool watching;          /* the server is being asked */
    struct arena *seen_mem; /* of what it said last: */
    const struct unit_progress *seen;
    size_t nseen;
};

/* The step of the indexes, in the place of any other. */
void finish_start_indexes(struct engine *g);

/* What its units are, to be found out by a worker. */
void finish_plan(struct engine *g);

/* Gives the unit at that place to a worker; beside of them share the server's memory. */
void finish_start_unit(struct engine *g, size_t at, size_t beside);

/* While tables are copied: units of those that are there, as far as workers may be taken for them. */
void finish_dispatch_early(struct engine *g);

/* A step is under way: not while the engine opens, or waits for another try. */
bool finish_at_work(const struct engine *g);

/* The files of the schema are in use. */
bool finish_is_planning(const struct engine *g);

/* Workers that are at it. */
int finish_in_flight(const struct engine *g);

/* Its beginning and end are worth a line each. */
bool finish_is_slow(const struct unit *u);

/* The step is through: the session that watched is not needed any more. */
void finish_watched(struct engine *g);

#endif
