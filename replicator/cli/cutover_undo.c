/* repl cutover --abort: the source takes writes again. What that costs is said first. */
#include <stdio.h>
#include <stdlib.h>

#include "cutover_run.h"

static void tell_since(const struct cutover_now *now)
{
    if (now->state == CUTOVER_COMPLETE)
        printf("the cutover was completed at %s\n", now->since);
    else
        printf("the switch began at %s and %s\n", now->since,
               now->alive ? "its command still runs: it may be switching the application at this moment"
                          : "did not end");
}

static void tell_written(const struct cutover_written *w, const char *to)
{
    const long long all = (long long)w->changed + (long long)w->deleted;
    if (w->exact && all == 0) {
        printf("nothing was written in the sync's tables of the %s since\n", to);
        return;
    }
    if (w->exact)
        printf("%lld row%s of the sync's tables %s written on the %s since, in %d table%s, most of them in "
               "%s: %lld "
               "inserted or changed, %s%lld deleted\n",
               all, all == 1 ? "" : "s", all == 1 ? "was" : "were", to, w->tables, w->tables == 1 ? "" : "s",
               w->most, (long long)w->changed, w->changed > 0 && w->deleted > 0 ? "at least " : "",
               (long long)w->deleted);
    else
        printf("about %lld rows of the sync's tables were written on the %s since (by the server's "
               "statistics, which "
               "lag by some seconds): %lld inserted or changed, %lld deleted\n",
               all, to, (long long)w->changed, (long long)w->deleted);
    printf("they stay on the %s and do not come back: the application loses them\n"
           "which ones: repl verify (it reads, and changes nothing)\n",
           to);
}

/* What the application wrote on the target since would stay there, and the source does not have it. */
static bool may_lose(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    struct cutover_written w;
    const struct cutover_now *now = cutover_state(cut);
    const char *to = side_name(SIDE_TARGET);
    if (now->state != CUTOVER_COMPLETE && (now->state != CUTOVER_SWITCHING || now->lapsed))
        return true;
    tell_since(now);
    if (!cutover_count_written(cut, &w, e)) {
        printf("the %s cannot be asked what was written there since: %s\n", to, e->text);
        w.known = false;
    } else if (!w.known) {
        printf("what was written on the %s since is not known\n", to);
    } else {
        tell_written(&w, to);
    }
    fflush(stdout);
    if (args_has(&r->c->args, "yes"))
        return true;
    if (now->state == CUTOVER_SWITCHING && !now->alive && w.known && w.exact && w.changed + w.deleted == 0)
        return true;
    return cutover_confirm("Lift the fence, and leave there what was written there?",
                           "the fence stays as it was", e);
}

/* Where a side cannot be asked, whether the target took writes is not known. */
static bool may_abort(struct cutover_run *r, struct err *e)
{
    if (!cutover_find_way(r, e)) {
        printf("not both sides can be asked which of them takes writes: %s\n", e->text);
        return args_has(&r->c->args, "yes") ||
               cutover_confirm("Lift the fence all the same?", "the fences stand as before", e);
    }
    if (!r->ways.back || r->ways.undecided)
        return true;
    return cutover_refuse(
        e, "the switch is complete: the application writes at the target",
        "repl cutover --back brings it back with all that was written. Where the target is lost: repl stop, "
        "then repl cleanup gives the source back without what has not come over");
}

static bool lift(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    bool stood;
    if ((!r->ways.prepared && !may_lose(r, cut, e)) || !cutover_abort(cut, &stood, e) ||
        !state_set(r->c->state, "cutover_at", NULL, e))
        return false;
    printf(stood ? "the fence is lifted: the %s takes writes again, and they are captured\n"
                 : "no fence stood: the %s takes writes\n",
           side_name(SIDE_SOURCE));
    fflush(stdout);
    if (!r->ways.prepared || r->ways.back)
        return true;
    return cutover_align_engine(r, e) && cutover_forget_turn(cut, e) && ways_remember(r->c->state, NULL, e);
}

bool cutover_undo(struct cutover_run *r, const struct cutover_options *o, struct err *e)
{
    struct cutover *cut = NULL;
    bool ok = may_abort(r, e) && cutover_open(&r->c->sync, o, &cut, e) && lift(r, cut, e);
    cutover_close(cut);
    return ok;
}
