#include "run_engine.h"

#include <signal.h>
#include <stdlib.h>

#include "progress.h"
#include "repl/back.h"
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

/* One direction, until the engine has stopped, or a cutover has turned the changes around. */
static bool run_one_way(struct context *c, bool once, int ready_fd, bool *turned, char **reason,
                        struct err *e)
{
    struct progress p;
    const bool again = *turned;
    *turned = false;
    progress_begin(&p, c);
    const struct engine_options o = {.sync = &c->sync,
                                     .state = c->state,
                                     .once = once,
                                     .turned = once ? NULL : turned,
                                     .insist = again,
                                     .ready_fd = ready_fd,
                                     .progress = progress_show,
                                     .reopen_log = once ? NULL : progress_reopen_log,
                                     .arg = &p};
    bool ok = engine_run(&o, e);
    if (reason != NULL) {
        free(*reason);
        *reason = p.reason;
        p.reason = NULL;
    }
    progress_end(&p);
    return ok;
}

/* Which way the changes go is what the fences say; the state file may have missed a turn. Where a side cannot be asked
 * the engine will say so. */
static void settle_way(struct context *c)
{
    struct ways ways;
    struct err e;
    char *known = NULL;
    if (state_get(c->state, "way", &known, &e) && known != NULL &&
        !ways_settle(&c->sync, c->state, &ways, &e))
        log_err(LOG_WARN, &e);
    free(known);
}

bool run_engine(struct context *c, bool once, const struct pace *pace, int ready_fd, char **reason,
                struct err *e)
{
    bool ok, turned = false;
    if (!context_open(c, e))
        return false;
    if (!remember_pace(c, pace, e)) {
        context_close(c);
        return false;
    }
    log_setup(c->verbose ? LOG_DEBUG : LOG_INFO, c->log_json);
    if (!once)
        signal(SIGHUP, SIG_IGN); /* before the engine heeds it, and afterwards */
    signal(SIGPIPE, SIG_IGN); /* a reader of our output or of ready_fd that went away is no reason to end */
    do {
        ok = context_open(c, e);
        if (ok) {
            settle_way(c);
            ok = run_one_way(c, once, ready_fd, &turned, reason, e);
        }
        ready_fd = -1; /* it was told */
        context_close(c);
    } while (ok && turned);
    return ok;
}
