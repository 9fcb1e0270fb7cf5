/* Large tables of a batch: read and staged by several workers at once. */
#ifndef REPL_FLOW_FAN_H
#define REPL_FLOW_FAN_H

#include "merge.h"

/* This table comes that way. */
bool fan_has(const struct apply *ap, const struct apply_table *t);

/* Makes the stages of those tables and fills them: rows of each and the batch's bytes are counted. The worker's source
 * session is in the batch's transaction, target, its other one, in none. What was staged is committed, for the merge to
 * see; nobody else reads it. */
bool fan_stage(struct conn *target, struct apply *ap, struct arena *a, struct err *e) MUST_CHECK;

/* Adds the statements that drop the stages, behind the merges. */
void fan_end(struct script *s, struct arena *a, const struct apply *ap);
/* After a failure: drops them as far as the connection allows. The next opening drops what is left. */
void fan_drop(struct conn *target, const struct apply *ap);

#endif
