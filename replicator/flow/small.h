/* Small batches: rows that come as values and go as values. */
#ifndef REPL_FLOW_SMALL_H
#define REPL_FLOW_SMALL_H

#include "merge.h"

/* Every table of the batch has a statement for its few rows. */
bool small_is(const struct apply *ap);

/* Asks source, in the batch's transaction, for the rows of all tables and for its end, in one message, and takes the rows
 * as the tables' values; the end is to be taken yet (pg_end). Stages have their names. On failure ap->too_wide may
 * be set. */
bool small_read(struct conn *source, struct apply *ap, struct arena *a, struct err *e) MUST_CHECK;

/* Adds what brings a table's values to where its merge finds them; then merge_add. */
void small_add(struct script *s, struct arena *a, struct apply_table *t);

#endif
