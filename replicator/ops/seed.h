/* The rows that a target was restored with. */
#ifndef REPL_OPS_SEED_H
#define REPL_OPS_SEED_H

#include "repl/ops.h"

enum seed_has {
    SEED_GIVES,
    SEED_EMPTY,      /* no row there, or no table: it is copied from the source */
    SEED_UNCAPTURED, /* rows from before the table was captured */
    SEED_PARTLY      /* an unlogged partition, whose rows a fork does not have */
};

/* What the target was restored with of each relation of the source (with ids), in their order. */
bool seed_has(struct conn *target, struct conn *source, const struct capture *c, const struct relations *l,
              struct arena *a, enum seed_has **out, struct err *e) MUST_CHECK;

/* The sync wants a seed, and the target is still to be restored. */
bool seed_awaited(const struct sync *s, struct conn *target, const struct target_state *state, bool *out,
                  struct err *e) MUST_CHECK;

/* Those whose rows are taken. */
struct relations seed_taken(const struct relations *l, const enum seed_has *has, struct arena *a);

#endif
