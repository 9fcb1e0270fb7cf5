/* The comparison of all rows under live traffic (docs/verify.md). What it found: repl/verify_report.h. */
#ifndef REPL_VERIFY_H
#define REPL_VERIFY_H

#include "repl/interrupt.h"
#include "repl/sync.h"

struct verify_progress {
    int64_t bytes_done, bytes_total; /* of table */
    int64_t rows, differences;
    int64_t keys;             /* to be looked at again */
    double rate, eta_seconds; /* bytes a second; negative: not known */
};

/* How far the engine came when it was asked to bring what is owed. */
enum verify_settled {
    VERIFY_NO_ENGINE,
    VERIFY_NOT_BROUGHT, /* it runs, but is paused, waits for something, or is at a long backlog */
    VERIFY_BROUGHT      /* all that was committed on the source when it was asked */
};

struct verify_options {
    const struct sync *sync; /* borrowed, as all of these */
    struct state *state;
    const struct strlist *tables; /* names or patterns; empty: all */
    int jobs;
    int64_t max_rate;   /* bytes of table a second; 0: as fast as it goes */
    double sample;      /* the part of the ranges that is compared, 1: all */
    int64_t range_rows; /* rows a range; 0: by size */
    bool repair, show_values, again;
    const struct interrupt *interrupt; /* may be NULL; what was found by then is kept */
    /* Brings what is owed now, or as much as comes in a moment. */
    enum verify_settled (*settle)(void *arg);
    /* Called now and then. May be NULL. */
    void (*progress)(void *arg, const struct verify_progress *p);
    void *arg;
};

/* Compares, and keeps the report in the state file as run (see state_verify_load). A run that was interrupted goes on
 * where it was, unless again. Differences are no error. *run is 0 where nothing began. */
bool verify_run(const struct verify_options *o, int64_t *run, struct err *e) MUST_CHECK;

#endif
