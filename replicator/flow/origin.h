/* The names that the target's tables have for where rows come from. */
#ifndef REPL_FLOW_ORIGIN_H
#define REPL_FLOW_ORIGIN_H

#include "repl/flow.h"

enum origin origin_of(const char *name);

#endif
