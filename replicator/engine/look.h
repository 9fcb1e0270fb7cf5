/* A look for what is owed (look.c), on a worker's thread. */
#ifndef REPL_ENGINE_LOOK_H
#define REPL_ENGINE_LOOK_H

#include "jobs.h"

struct look {
    struct batch_task *t;
    struct conn *source;
    const struct relation **locked;
    size_t nlocked;
    bool open;  /* the source transaction is open, and owes something */
    bool ended; /* it owes too much, and is not open: a table that it needs is locked by others */
};

/* Puts tables to sleep, or finds who is awake since, as the task wants it. */
bool look_go_to_sleep(struct look *l, struct err *e) MUST_CHECK;
/* Afterwards l->open says whether something is owed. Nothing: the doorbell is armed. */
bool look_twice(struct look *l, struct err *e) MUST_CHECK;
#endif
