/* The state directory as a descriptor. */
#ifndef REPL_STATE_DIR_H
#define REPL_STATE_DIR_H

#include "repl/err.h"

/* Opens it, without following a link: refused unless it, and what repl goes by in it, is this user's and closed to others. */
bool state_dir_open(const char *dir, int *out, struct err *e) MUST_CHECK;

#endif
