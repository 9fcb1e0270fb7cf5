/*
 * Tables that come into a sync which follows already: new ones, and those whose key has changed. They are copied, get
 * their indexes and catch up beside the others, whose batches leave them out until they have come near; the batch that
 * takes one in brings it to the snapshot of all.
 */
#include <string.h>

#include "copy.h"
#include "drift.h"

/* The sync has a position: the target shows one snapshot of all tables but those that stand apart. */
static bool is_beside(const struct engine *g)
{
    return g->world != NULL && g->established;
}

static const char *own_position(const struct engine *g, int id)
{
    for (size_t i = 0; i < g->standing.nown; i++)
        if (g->standing.own[i].id == id)
            return g->standing.own[i].snapshot;
    return NULL;
}

static struct table_plan *plan_of(const struct engine *g, int id)
{
    for (size_t i = 0; i < g->copy.ntables; i++)
        if (g->world->relations.items[g->copy.tables[i].index].id == id)
            return &g->copy.tables[i];
    return NULL;
}

bool beside_has(const struct engine *g, int id)
{
    if (!is_beside(g))
        return false;
    const char *own = own_position(g, id);
    const struct table_plan *p = own != NULL ? plan_of(g, id) : NULL;
    return p != NULL && (p->state != TABLE_COPIED || (!g->indexed && own[0] == '\0') || catchup_has(g, id));
}

/* Tables that may be copied and are not. */
static bool copies_left(const struct engine *g)
{
    for (size_t i = 0; i < g->copy.ntables; i++)
        if (g->copy.tables[i].state != TABLE_COPIED &&
            !drift_holds(g, g->world->relations.items[g->copy.tables[i].index].id))
            return true;
    return false;
}

void beside_dispatch(struct engine *g)
{
    if (!is_beside(g) || (g->life != LIFE_FOLLOWING && g->life != LIFE_CATCHING_UP) || g->stopping ||
        g->paused || engine_in_trouble(g))
        return;
    copy_give_out(g);
    if (!g->indexed && !g->indexing && !copies_left(g)) {
        g->indexing = true;
        index_begin(g);
    }
}
