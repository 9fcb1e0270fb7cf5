/*
 * An init that finds the changes going back, or a switch that has not ended (docs/fallback.md).
 */
#include <stdlib.h>

#include "init_private.h"
#include "repl/back.h"
#include "repl/fence.h"

bool init_no_table_joins(struct err *e)
{
    err_set(e, ERR_CONFIG, "the changes go back from the target to the source: no table can join now");
    return err_hint(e, "repl cutover --back first");
}

/* Nothing is to be made then: the settings alone were lost. */
static bool adopt_way_back(struct init *in, const struct ways *w, struct err *e)
{
    struct target_state old;
    struct status st = {.phase = PHASE_STOPPED,
                        .lag_seconds = -1,
                        .owed_rows = -1,
                        .back = w->back,
                        .next = xstrdup("repl start")};
    st.copy.rate_bytes_per_second = st.copy.eta_seconds = -1;
    bool ok = target_read(in->source, in->s->twin, in->a, &old, e) && sync_save(in->s, in->st, e) &&
              ways_remember(in->st, w->back ? "back" : "forward", e) &&
              state_set(in->st, "sync_id", in->capture.sync_id, e) && state_set(in->st, "ready", "yes", e) &&
              state_save_status(in->st, &st, e);
    status_free(&st);
    in->report->adopted = true;
    in->report->tables = ok ? old.nrelations : 0;
    return ok;
}

/* Behind the switch of a cutover without a way back the source is not what is moved any more: what joined it now would never
 * be captured by anybody's writes, and its target is in use. */
bool init_before_switch(struct init *in, struct err *e)
{
    struct cutover_now now;
    if (!fence_read(in->source, &in->capture, in->a, &now, e))
        return false;
    if (!now.sealed)
        return true;
    if (now.state == CUTOVER_COMPLETE) {
        err_set(e, ERR_CONFIG,
                "the cutover is complete since %s: the application writes at the target, and nothing is to "
                "prepare",
                now.since);
        return err_hint(e, "repl status says how to go on; back: repl cutover --abort");
    }
    err_set(e, ERR_CONFIG, "a switch began at %s and did not end", now.since);
    return err_hint(e, "was the application switched? yes: repl cutover --resume; no: repl cutover --abort");
}

/* *done: what the fences say leaves nothing for init to do. */
bool init_look_at_way(struct init *in, bool *done, struct err *e)
{
    struct ways w;
    char *known = NULL;
    bool ok = state_get(in->st, "source", &known, e) && ways_read(in->s, in->source, in->target, &w, e);
    *done = ok && (w.back || w.undecided);
    if (ok && !*done && known != NULL) {
        ok = init_before_switch(in, e);
    }
    if (*done && known != NULL && w.back) {
        ok = init_no_table_joins(e);
    } else if (*done && known != NULL) {
        ok = err_set(e, ERR_CONFIG, "a switch has not ended");
        err_hint(e, "repl cutover --fallback, or repl cutover --abort");
    } else if (*done) {
        ok = adopt_way_back(in, &w, e);
    } else if (ok && !*done && w.prepared) {
        ok = ways_remember(in->st, "forward", e);
    }
    free(known);
    return ok;
}
