/* The two sessions that hold the sync's locks; the source's hears the doorbell. The loop watches their sockets, so it
 * also learns at once when a server goes away. */
#include "private.h"
#include "watched.h"

static void lost(struct engine *g, const struct err *e)
{
    listener_close(g);
    supervise_error(g, e);
    engine_settle(g);
}

static void on_source(void *arg)
{
    struct engine *g = arg;
    struct err e;
    bool rang = false;
    if (!listen_drain(g->source_guard, &rang, &e)) {
        lost(g, &e);
    } else if (rang) {
        g->look_index = 0;
        g->rang = true;
        follow_look(g);
    }
}

static void on_target(void *arg)
{
    struct engine *g = arg;
    struct err e;
    bool rang;
    if (!listen_drain(g->target_guard, &rang, &e))
        lost(g, &e);
}

bool listener_start(struct engine *g, struct conn *source, struct conn *target, struct err *e)
{
    g->source_guard = source;
    g->target_guard = target;
    g->source_watched = watched_start(&g->loop, conn_fd(source), on_source, g, e);
    if (g->source_watched != NULL)
        g->target_watched = watched_start(&g->loop, conn_fd(target), on_target, g, e);
    if (g->target_watched != NULL)
        return true;
    listener_close(g);
    return false;
}

void listener_close(struct engine *g)
{
    watched_stop(g->source_watched);
    watched_stop(g->target_watched);
    conn_close(g->source_guard);
    conn_close(g->target_guard);
    g->source_watched = g->target_watched = NULL;
    g->source_guard = g->target_guard = NULL;
}

void listener_tick(struct engine *g)
{
    struct conn *const guards[] = {g->source_guard, g->target_guard};
    struct err e;
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        if (guards[i] != NULL && !listen_probe(guards[i], &e)) {
            lost(g, &e);
            return;
        }
}
