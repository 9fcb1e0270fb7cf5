#include "state_watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/log.h"

bool state_watch_result(struct engine *g, bool ok, const struct err *e)
{
    if (ok && g->state_err.kind != ERR_NONE) {
        err_clear(&g->state_err);
        log_info("the state file is written again");
    } else if (!ok && strcmp(g->state_err.text, e->text) != 0) {
        log_err(LOG_WARN, e);
        g->state_err = *e;
        g->state_err_at = clock_wall();
    }
    return ok;
}

void state_watch_status(const struct engine *g, struct status *out)
{
    char at[32];
    if (g->state_err.kind == ERR_NONE)
        return;
    out->errors = xrealloc(out->errors, (out->nerrors + 1) * sizeof *out->errors);
    memmove(out->errors + 1, out->errors, out->nerrors * sizeof *out->errors);
    out->nerrors++;
    out->errors[0] = (struct status_error){
        .at = xstrdup(clock_iso(at, sizeof at, g->state_err_at)),
        .message =
            xasprintf("%s: the engine goes on, but pauses, log and progress are not kept", g->state_err.text),
        .hint = xstrdup(g->state_err.hint[0] != '\0' ? g->state_err.hint
                                                     : "look at the disk and the owner of the state "
                                                       "directory; where the file is damaged: repl stop, "
                                                       "then repl start, which makes it again"),
    };
}

/* As init was told it, whichever way the changes go now. */
static bool save_settings(struct engine *g, struct err *e)
{
    struct sync *s = g->o->sync;
    const bool back = s->back;
    if (back)
        sync_turn(s);
    bool ok = sync_save(s, g->o->state, e);
    if (back)
        sync_turn(s);
    return ok && state_set(g->o->state, "way", back ? "back" : g->way, e) && control_remember_paused(g, e);
}

static bool make_again(struct engine *g, struct err *e)
{
    if (!state_make_again(g->o->state, e) || !save_settings(g, e))
        return false;
    if (g->lock_fd >= 0)
        close(g->lock_fd);
    g->lock_fd = -1;
    return engine_lock_file(g, e) && control_listen_again(g, e);
}

void state_watch_tick(struct engine *g)
{
    struct err e;
    if (g->stopping || g->control == NULL || (state_is_there(g->o->state) && control_is_there(g)))
        return;
    if (state_watch_result(g, make_again(g, &e), &e))
        engine_say(g, LOG_WARN, NULL,
                   "the state directory %s was emptied while the engine ran: state file, lock and socket are "
                   "made again; what "
                   "the log and comparisons of before said is lost",
                   g->o->sync->dir);
}
