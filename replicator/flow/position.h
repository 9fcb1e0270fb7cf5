/* The end of the target's transaction: which logged write on the source it comes behind, and COMMIT. */
#ifndef REPL_FLOW_POSITION_H
#define REPL_FLOW_POSITION_H

#include "repl/flow.h"

/* To be kept by the session before the statement of position_commit_sql, whose values are known only later. */
const char *position_written_definition(struct arena *a, const char *schema, int step_of);
const char *position_commit_sql(struct arena *a, const char *schema, int step_of, const struct written *w);

#endif
