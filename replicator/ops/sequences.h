/* Sequences that gave no value yet. */
#ifndef REPL_OPS_SEQUENCES_H
#define REPL_OPS_SEQUENCES_H

#include "repl/pg.h"

/* Those of the source that would not begin with their START (setval with false, RESTART) begin there on the target
 * too, where they are and gave no value either. The others are sequences_read's. */
bool sequences_begin(struct conn *source, struct conn *target, const char *own_schema,
                     struct err *e) MUST_CHECK;

#endif
