/* The fork that the first copy is read from: looked at before rows are taken, and when all are here. */
#include <stdlib.h>

#include "jobs.h"
#include "repl/origin.h"

/* Relations that come from the fork: those that are not copied yet, or, with copied, those that no batch has reached, so
 * that the source has their deltas whole. */
static struct relations from_fork(const struct world *w, bool copied, struct arena *a)
{
    struct relations l = {.items = arena_alloc(a, (w->relations.count + 1) * sizeof *l.items)};
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct target_relation *t = target_relation_by_id(&w->state, w->relations.items[i].id);
        bool fresh = t->snapshot != NULL && t->snapshot[0] == '\0';
        if (t->origin == ORIGIN_FORK && (copied ? fresh : !t->copied))
            l.items[l.count++] = w->relations.items[i];
    }
    return l;
}

/* A table that the fork does not have as the source does waits, as one that drifts. */
static void leave_unfit(struct world *w, const struct relations *l, const struct err *unfit)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct relation *r = relations_by_id(&w->relations, l->items[i].id);
        struct err *drift = &w->drifts[r - w->relations.items];
        if (unfit[i].kind != ERR_NONE && drift->kind == ERR_NONE)
            *drift = unfit[i];
    }
}

/* A fork that is needed no more may be gone. */
bool world_check_fork(struct worker *worker, const struct sync *sync, struct world *w, struct err *e)
{
    struct conn *source, *fork;
    if (!target_needs_fork(&w->state))
        return true;
    if (sync_fork(sync) == NULL) {
        err_set(e, ERR_CONFIG, "tables are being copied from a fork, and nobody said which");
        return err_hint(e, "repl init --copy-from URL, or, to take the rest from the source: repl init "
                           "--copy-from " COPY_FROM_SOURCE);
    }
    const struct relations l = from_fork(w, false, w->mem);
    struct err *unfit = arena_alloc(w->mem, (l.count + 1) * sizeof *unfit);
    char *shown = dsn_safe(sync_fork(sync));
    w->fork = arena_strdup(w->mem, shown);
    free(shown);
    if (!worker_source(worker, &source, e) || !worker_fork(worker, &fork, e) ||
        !fork_fits(fork, source, &w->capture, &l, unfit, e))
        return false;
    leave_unfit(w, &l, unfit);
    return true;
}

bool world_from_fork(const struct world *w, size_t index)
{
    return target_relation_by_id(&w->state, w->relations.items[index].id)->origin == ORIGIN_FORK;
}

bool worker_rows(struct worker *w, const struct world *world, size_t index, struct conn **out, struct err *e)
{
    return world_from_fork(world, index) ? worker_fork(w, out, e) : worker_source(w, out, e);
}

bool fork_may_complete(struct worker *w, struct task *t, size_t index, struct err *e)
{
    struct conn *source;
    const struct relations one = {.items = &t->world->relations.items[index], .count = 1};
    return !world_from_fork(t->world, index) ||
           (worker_source(w, &source, e) && fork_fits_still(source, &t->world->capture, &one, e));
}

/* It must be found as it was made: what was written to it meanwhile may be on the target. */
bool job_leave_fork(struct worker *w, struct job *job, struct err *e)
{
    struct task *t = (struct task *)job;
    struct conn *source, *target, *fork;
    const struct relations l = from_fork(t->world, true, t->mem);
    return worker_source(w, &source, e) && worker_target(w, &target, e) && worker_fork(w, &fork, e) &&
           fork_stood_still(fork, source, &t->world->capture, &l, e) &&
           target_step_done(target, t->sync->schema, STEP_FORK, e);
}
