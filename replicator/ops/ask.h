/* Asking a server with the text of a file under sql/ops. */
#ifndef REPL_OPS_ASK_H
#define REPL_OPS_ASK_H

#include "repl/pg.h"

/* Fills the variables and runs the one statement. *out is the caller's to free. */
bool ask(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
         struct err *e) MUST_CHECK;

/* As ask, for several statements; *out is what the last one returned. */
bool ask_last(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
              struct err *e) MUST_CHECK;

#endif
