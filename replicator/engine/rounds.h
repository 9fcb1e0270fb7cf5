/* The watchdog over what the engine does again and again: rounds that move nothing are counted, become rarer, and are
 * reported. */
#ifndef REPL_ENGINE_ROUNDS_H
#define REPL_ENGINE_ROUNDS_H

#include "private.h"

enum round {
    ROUND_LOOKS,    /* looks that found something pending and moved none of it */
    ROUND_OPENINGS, /* both sides were read again */
    ROUND_PASSES    /* every pass came to its end, and more than a batch is pending all the same */
};

struct rounds *rounds_new(void);
void rounds_free(struct rounds *r);

/* One more round was in vain; returns how many there were in a row. what: as a sentence without its end, a literal. */
unsigned rounds_in_vain(struct engine *g, enum round kind, const char *what);
/* Rows, or a unit of other work, are on the target. */
void rounds_moved(struct engine *g);
/* Nothing is pending, or a batch brought what was. */
void rounds_caught_up(struct engine *g);
/* How long the next round of that kind has to wait, so that what is done in vain is at least done rarely; 0: not at all. */
uint64_t rounds_rest_ms(const struct engine *g, enum round kind);
void rounds_status(const struct engine *g, struct status *out);

#endif
