/*
 * Whether source and target belong to one history: what the target was brought to is still so on the source, and what the
 * source has truncated is still on the target. The argument: docs/architecture.md, "Doubt".
 */
#ifndef REPL_HISTORY_H
#define REPL_HISTORY_H

#include "repl/capture.h"
#include "repl/target.h"

enum history {
    HISTORY_PROVEN,
    HISTORY_ANOTHER_SERVER,   /* the source failed over, was upgraded or was replaced */
    HISTORY_SOURCE_WENT_BACK, /* it lacks what the target has seen of it */
    HISTORY_TARGET_WENT_BACK  /* it lacks what the source has truncated since */
};

/* Pure. */
enum history history_judge(const struct target_mark *t, const struct slot_proof *p);

/* In one line, for people; "" where it is proven. */
const char *history_reason(struct arena *a, enum history h, const struct target_mark *t,
                           const struct slot_proof *p);

/* The target lacks what nobody can bring but a comparison: an ERR_CONFIG. */
bool history_refuse(const struct target_mark *t, const struct slot_proof *p, struct err *e);

/*
 * Begins an epoch on the source, which ends that of any engine before this one, and has the target know of it. Where the
 * history is not proven the target is in doubt from here on: everything in the deltas is to be brought again. c->slot and
 * c->epoch are set. *first: the number of the write by which it began.
 */
bool history_begin(struct conn *source, struct conn *target, struct capture *c,
                   const struct target_state *state, enum history h, const struct slot_proof *p,
                   int64_t *first, struct err *e) MUST_CHECK;

#endif
