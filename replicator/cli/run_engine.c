#include "run_engine.h"

#include <signal.h>

#include "progress.h"
#include "repl/engine.h"
#include "repl/log.h"

static bool remember_pace(struct context *c, const struct pace *pace, struct err *e)
{
    if (pace == NULL || (pace->jobs == 0 && !pace->sets_rate))
        return true;
    if (pace->jobs != 0)
        c->sync.jobs = pace->jobs;
    if (pace->sets_rate)
        c->sync.max_rate = pace->max_rate;
    return sync_save_pace(&c->sync, c->state, e);
}

bool run_engine(struct context *c, bool once, const struct pace *pace, int ready_fd, struct err *e)
{
    struct progress p;
    if (!context_open(c, e))
        return false;
    if (!remember_pace(c, pace, e)) {
        context_close(c);
        return false;
    }
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
