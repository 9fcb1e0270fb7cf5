/* The staging tables of a target session. */
#ifndef REPL_FLOW_STAGES_H
#define REPL_FLOW_STAGES_H

#include "merge.h"

/* Adds the statement that makes the table's stage unless the session has it. */
void stages_add(struct script *s, struct arena *a, struct stages *stages, struct apply_table *t);

/* After a commit: with many stages every later commit would be slow, since each is emptied at each; then all are
 * dropped and made again as needed. */
bool stages_settle(struct stages *stages, struct conn *target, struct err *e) MUST_CHECK;

/* After a failure nobody knows which ones were made. */
void stages_forget(struct stages *stages);

#endif
