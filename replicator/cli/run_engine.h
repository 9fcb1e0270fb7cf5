/* The engine in this process: what start and kick have in common. */
#ifndef REPL_CLI_RUN_ENGINE_H
#define REPL_CLI_RUN_ENGINE_H

#include "cmd.h"

/* What --jobs and --max-rate said. */
struct pace {
    int jobs; /* 0: as it was */
    bool sets_rate;
    int64_t max_rate;
};

/* Opens the state, runs engine_run with progress shown, closes the state. pace is remembered; NULL: as it was.
 * ready_fd as in engine_options. *reason: what kept the engine when it ended, or NULL; the caller frees it. reason may be NULL. */
bool run_engine(struct context *c, bool once, const struct pace *pace, int ready_fd, char **reason,
                struct err *e) MUST_CHECK;

#endif
