/*
 * Indexes before the load is through: a wire that is full leaves the target time to sort. As soon as a large table is
 * copied the step is planned, and half of the workers build the indexes of tables that are there, the others go on
 * copying. What fails then stops no copy; it is done again when its time has come.
 */
#include "copy.h"
#include "finish.h"
#include "repl/units.h"

/* Half of the workers, which is what one alone has not. */
int index_workers(int jobs)
{
    return jobs / 2;
}

void finish_dispatch_early(struct engine *g)
{
    struct finish *f = g->finish;
    if (f->plan == NULL || f->early_failed)
        return;
    for (size_t i = 0; i < f->plan->units.count; i++) {
        if (f->nrunning >= (size_t)index_workers(g->jobs) || !workers_are_free(g))
            return;
        if (f->left[i] && f->table[i] >= 0 && copy_is_there(g, (size_t)f->table[i]))
            finish_start_unit(g, i, (size_t)g->jobs);
    }
}

bool index_is_large(const struct relation *r)
{
    return r->bytes >= UNIT_LARGE_BYTES;
}

static bool may_be_beside(const struct engine *g)
{
    return index_workers(g->jobs) > 0 && !g->adding && !g->o->sync->no_schema &&
           !target_needs_fork(&g->world->state);
}

enum index_beside index_beside(const struct engine *g)
{
    const struct finish *f = g->finish;
    if (!may_be_beside(g) || (f != NULL && f->early_failed))
        return INDEX_NEVER;
    if (f == NULL)
        return INDEX_LATER;
    bool some = f->plan == NULL || f->nrunning > 0;
    for (size_t i = 0; !some && i < f->plan->units.count; i++)
        some = f->left[i] && f->table[i] >= 0;
    return some ? INDEX_NOW : INDEX_NEVER;
}

void index_early(struct engine *g)
{
    bool worth = false;
    if (g->finish != NULL) {
        finish_dispatch(g);
        return;
    }
    if (!may_be_beside(g) || !workers_are_free(g) || g->copy.open == 0)
        return;
    for (size_t i = 0; i < g->world->relations.count && !worth; i++)
        worth = index_is_large(&g->world->relations.items[i]) && copy_is_there(g, i);
    if (!worth)
        return;
    finish_start_indexes(g);
    finish_plan(g);
}
