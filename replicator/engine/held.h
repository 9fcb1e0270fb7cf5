/* What waits for locks that others have, on either side (held.c). A hold is NULL where nobody is waited for. */
#ifndef REPL_ENGINE_HELD_H
#define REPL_ENGINE_HELD_H

#include "private.h"

#define HOLD_ONE_TABLE "this table waits, the others go on"
#define HOLD_ALL "a batch is of all tables, so all wait"

/* The error is a lock that did not come: that work (what: a table, schema.name; or a step) is put off, the longer the more
 * often. Else false. meanwhile: what becomes of the rest, for the log. */
bool hold_takes(struct engine *g, const char *what, const char *meanwhile, struct hold **hold,
                const struct err *e);
/* The work waits at the server, which goes on with it when the lock is there: it is only told. */
void hold_tells(struct engine *g, const char *what, const char *meanwhile, struct hold **hold,
                const struct err *e);
/* Since when, and for whom. */
uint64_t hold_since_ms(const struct hold *hold);
const struct err *hold_why(const struct hold *hold);
/* It is not time to try again yet. */
bool hold_waits(const struct hold *hold);
/* The lock came to a task that was made at that time; before the hold: it may have been on its way when the other had the
 * lock. */
void hold_ends(struct engine *g, struct hold **hold, uint64_t made_ms);
void hold_free(struct hold **hold);

/* ---- all of them ---- */
bool held_any(const struct engine *g);
/* Why the newest of them waits; there is one. */
const struct err *held_first(const struct engine *g);
void held_tick(struct engine *g);    /* about once a second: tries those whose time has come */
void held_try_now(struct engine *g); /* somebody does not want to wait for that */
void held_status(const struct engine *g, struct status *out);
size_t held_count(const struct engine *g);
/* Adds them to what is waited for; there is room. */
void held_waits(const struct engine *g, struct status *out);

#endif
