#include "run_engine.h"

#include <signal.h>

#include "progress.h"
#include "repl/engine.h"
#include "repl/log.h"

bool run_engine(struct context *c, bool once, long long jobs, int ready_fd, struct err *e)
{
    struct progress p;
    if (!context_open(c, e))
        return false;
    if (jobs != 0)
        c->sync.jobs = (int)jobs;
    log_setup(c->verbose ? LOG_DEBUG : LOG_INFO, c->log_json);
    signal(SIGPIPE, SIG_IGN); /* a reader of our output or of ready_fd that went away is no reason to end */
    progress_begin(&p, c);
    const struct engine_options o = {.sync = &c->sync,
                                     .state = c->state,
                                     .once = once,
                                     .ready_fd = ready_fd,
                                     .progress = progress_show,
                                     .arg = &p};
    bool ok = engine_run(&o, e);
    progress_end(&p);
    context_close(c);
    return ok;
}
