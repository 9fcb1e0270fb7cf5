/* One comparison as its thread knows it. verify.c owns it; verify_open.c, verify_plan.c are its other parts. */
#ifndef REPL_OPS_VERIFY_RUN_H
#define REPL_OPS_VERIFY_RUN_H

#include "repl/clock.h"
#include "verify_job.h"

struct whole { /* of a table without key */
    bool moving, repairing;
};

struct verification {
    const struct verify_options *o;
    struct arena *mem;
    struct conn *source, *target; /* this thread's own: catalogs, boundaries, sequences */
    struct verify_world world;
    struct verify_table *tables; /* same index as the world's relations */
    struct whole *whole;         /* likewise */
    int64_t run;
    struct pool *pool;
    int wake_fd;
    int in_flight;
    struct verify_job *jobs; /* all that are not freed */
    bool engine;             /* one ran when it was asked last */
    struct backoff backoff;
    int64_t behind;   /* sequences, while no engine runs */
    int64_t nkeys;    /* to be looked at again */
    uint64_t settled; /* keys that were, in all */
    int64_t network, bytes_done, bytes_before, bytes_total;
    uint64_t began_ms, shown_at;
    struct bucket bucket; /* --max-rate */
    double ticket;        /* of the range handed out last */
};

/* verify_open.c: both catalogs, which tables, the run in the state file. */
bool verify_open(struct verification *v, struct err *e) MUST_CHECK;

/* verify_plan.c: every range of every table; looks until all is settled; sequences. */
bool verify_ranges(struct verification *v, struct err *e) MUST_CHECK;
bool verify_rounds(struct verification *v, struct err *e) MUST_CHECK;
bool verify_sequences(struct verification *v, struct err *e) MUST_CHECK;

/* verify.c: jobs to the workers and back; at_most: returns when no more are in flight. */
struct verify_job *verify_job_new(struct verification *v, enum verify_what what, size_t index);
void verify_submit(struct verification *v, struct verify_job *j);
bool verify_wait(struct verification *v, int at_most, struct err *e) MUST_CHECK;
/* Returns when --max-rate allows the next range. */
bool verify_pace(struct verification *v, struct err *e) MUST_CHECK;

#endif
