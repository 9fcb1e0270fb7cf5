/* The engine in this process: what start and kick have in common. */
#ifndef REPL_CLI_RUN_ENGINE_H
#define REPL_CLI_RUN_ENGINE_H

#include "cmd.h"

/* Opens the state, runs engine_run with progress shown, closes the state. jobs: 0 for init's. ready_fd as in
 * engine_options. */
bool run_engine(struct context *c, bool once, long long jobs, int ready_fd, struct err *e) MUST_CHECK;

#endif
