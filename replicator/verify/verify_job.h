/*
 * What verify's workers run: a range of keys, a table without key, keys that are looked at again. A job's memory is
 * its own arena's; what it found is read by the thread that submitted it.
 */
#ifndef REPL_VERIFY_JOB_H
#define REPL_VERIFY_JOB_H

#include "repl/verify.h"

enum { VERIFY_LOOK_KEYS = 1000, VERIFY_LOOK_KEYS_SHOWN = 100 };

/* Both catalogs. Read by all workers, changed by none. */
struct verify_world {
    struct capture capture;
    const char *schema;         /* repl's */
    struct relations relations; /* of the sync, as the source describes them */
    struct relation *targets;   /* the same tables, as the target does; same index */
    bool repair, show_values;
};

/* What a job found, to be added to the table's. */
struct verify_found {
    int64_t rows, missing, extra, different, repaired;
    struct verify_key *keys; /* to look at again */
    size_t nkeys, keys_cap;
    int64_t *dropped;
    size_t ndropped;
    const char **settled; /* keys that were repaired and are equal */
    size_t nsettled;
    struct verify_difference *differences; /* strings are the arena's */
    size_t ndifferences, differences_cap;
    bool moving;        /* a table without key was written to meanwhile: nothing is known */
    const char *stands; /* where the target stood, if something was owed to it; the arena's */
    int64_t network;    /* bytes that rows took */
};

enum verify_what { VERIFY_RANGE, VERIFY_WHOLE, VERIFY_KEYS };

struct verify_job {
    struct job job; /* first: the pool hands it back */
    struct verify_job *next, *previous;
    struct arena *mem;
    const struct verify_world *world;
    enum verify_what what;
    size_t index;              /* of the relation in the world */
    struct verify_range range; /* VERIFY_RANGE */
    int64_t bytes;             /* of table, about */
    struct verify_key *keys;   /* VERIFY_KEYS */
    size_t nkeys;
    bool repaired; /* VERIFY_WHOLE: that it differs is told already; with repair it is owed then */
    int tries;
    uint64_t failed_ms; /* when it first did */
    struct verify_found found;
};

bool verify_job_run(struct worker *w, struct job *job, struct err *e);

/* The two sides of a job. */
struct verify_sides {
    struct verify_job *job;
    struct arena *a; /* the worker's: until the job ends */
    struct conn *source, *target;
    const struct relation *from, *to; /* as source and target describe the table */
};

/* A moment of both sides in which it is known what is owed: see docs/verify.md, "The look". Both transactions stay
 * open; *snapshot is where the target stands. */
bool verify_look_begin(struct verify_sides *s, const char **snapshot, struct err *e) MUST_CHECK;
/* Which of the keys are owed; flags has one a key. */
bool verify_look_owed(struct verify_sides *s, const char *snapshot, const char *values, bool *flags, size_t n,
                      struct err *e) MUST_CHECK;
bool verify_look_end(struct verify_sides *s, struct err *e) MUST_CHECK;

/* Judges keys: each is equal, owed, or a difference. A difference is found first and repaired at the next look, so that
 * nothing is repaired that is not on record. */
bool verify_look(struct verify_sides *s, const struct verify_key *keys, size_t n, struct err *e) MUST_CHECK;

/* Digests, and rows where digests differ: of a range of keys; of a table without key, within a look. */
bool verify_compare_range(struct verify_sides *s, struct err *e) MUST_CHECK;
bool verify_compare_whole(struct verify_sides *s, struct err *e) MUST_CHECK;

/* Adds to what was found. */
void verify_found_key(struct verify_job *j, const char *key, bool repaired);
void verify_found_difference(struct verify_job *j, const struct verify_difference *d);

#endif
