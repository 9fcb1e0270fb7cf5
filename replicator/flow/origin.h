/* What the files about repl's own tables on the target share. */
#ifndef REPL_FLOW_ORIGIN_H
#define REPL_FLOW_ORIGIN_H

#include "repl/flow.h"

/* The name that the tables have for where rows come from. */
enum origin origin_of(const char *name);

/* Statements that write there; after a failure nothing of them is open. */
bool target_exec(struct conn *db, const char *text, const struct sql_var *vars, struct err *e) MUST_CHECK;

#endif
