/* One comparison as its thread knows it. verify.c owns it; the files named below are its other parts. */
#ifndef REPL_VERIFY_RUN_H
#define REPL_VERIFY_RUN_H

#include "repl/clock.h"
#include "verify_job.h"

/* What queues behind one of our locks on the source waits for no longer. */
enum { VERIFY_SOURCE_LOCK_MS = 300 };

/* What is known of a table on the way, beside its counts. */
struct course {
    bool moving, repairing; /* without key: to be compared again; once more, since it is owed again */
    char *stands;           /* where the target stood in this round of looks, where something was owed */
    char *stood;            /* the same of the round before */
    bool stuck;             /* the two are one: nobody brings what is owed */
    int64_t doubt;          /* in which the target had the table when the run began; 0: none */
};

struct verification {
    const struct verify_options *o;
    struct arena *mem;
    struct conn *source, *target; /* this thread's own: catalogs, boundaries, sequences */
    struct verify_world world;
    struct verify_table *tables; /* same index as the world's relations */
    struct course *course;       /* likewise */
    int64_t doubt;               /* the last of them: what was compared before it does not count */
    bool fenced;                 /* the source takes no writes: what the target has may be newer */
    int64_t run;
    struct pool *pool;
    int wake_fd;
    int in_flight;
    struct verify_job *jobs;     /* all that are not freed */
    enum verify_settled settled; /* what the engine did when it was asked last */
    struct backoff backoff;
    int64_t behind;   /* sequences, while nobody brings them */
    int64_t nkeys;    /* to be looked at again */
    uint64_t dropped; /* keys that need no look any more, in all */
    int64_t network, bytes_done, bytes_before, bytes_total;
    uint64_t began_ms, shown_at;
    struct bucket bucket; /* --max-rate */
    double ticket;        /* of the range handed out last */
};

/* verify_open.c: both catalogs, which tables, the run in the state file. */
bool verify_open(struct verification *v, struct err *e) MUST_CHECK;
/* This thread's connection to the source, with the lock of the comparison; anew where it was lost. */
bool verify_connect_source(struct verification *v, struct err *e) MUST_CHECK;
bool verify_connect_target(struct verification *v, struct err *e) MUST_CHECK;

/* verify_plan.c: every range of every table. */
bool verify_ranges(struct verification *v, struct err *e) MUST_CHECK;
/* verify_again.c: looks until all is settled. */
bool verify_rounds(struct verification *v, struct err *e) MUST_CHECK;
/* verify_sequences.c */
bool verify_sequences(struct verification *v, struct err *e) MUST_CHECK;

/* verify.c: jobs to the workers and back; at_most: returns when no more are in flight. */
struct verify_job *verify_job_new(struct verification *v, enum verify_what what, size_t index);
void verify_submit(struct verification *v, struct verify_job *j);
bool verify_wait(struct verification *v, int at_most, struct err *e) MUST_CHECK;
/* The table cannot be compared, the others can: true but where the state file fails. Errors of a connection, and others
 * that are of no table, are the run's: *why is given back in *e. */
bool verify_give_up(struct verification *v, size_t index, const struct err *why, struct err *e) MUST_CHECK;
/* Takes what the workers found, for so long. */
bool verify_rest(struct verification *v, unsigned ms, struct err *e) MUST_CHECK;
/* Returns when --max-rate allows the next range. */
bool verify_pace(struct verification *v, struct err *e) MUST_CHECK;

#endif
