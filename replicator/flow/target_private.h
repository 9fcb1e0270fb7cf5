/* What the files about repl's own tables on the target share. */
#ifndef REPL_FLOW_TARGET_PRIVATE_H
#define REPL_FLOW_TARGET_PRIVATE_H

#include "repl/target.h"

/* The name that the tables have for where rows come from. */
enum origin origin_of(const char *name);

/* The statements that make the schema, for vars of schema.sql; the caller frees them. */
char *target_schema_sql(const struct sql_var *vars, const char *schema);

/* Statements that write there; after a failure nothing of them is open. */
bool target_exec(struct conn *db, const char *text, const struct sql_var *vars, struct err *e) MUST_CHECK;

#endif
