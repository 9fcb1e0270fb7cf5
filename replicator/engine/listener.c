/* The two sessions that hold the sync's locks; the source's hears the doorbell. The loop watches their sockets, so it
 * also learns at once when a server goes away. */
#include <stdlib.h>

#include "private.h"

static void lost(struct engine *g, const struct err *e)
{
    listener_close(g);
    supervise_error(g, e);
    engine_settle(g);
}

static void on_source(uv_poll_t *poll, int status, int events)
{
    struct engine *g = poll->data;
    struct err e;
    bool rang = false;
    (void)status;
    (void)events; /* whatever woke us, libpq looks itself */
    if (!listen_drain(g->source_guard, &rang, &e)) {
        lost(g, &e);
    } else if (rang) {
        g->look_index = 0;
        g->rang = true;
        follow_look(g);
    }
}

static void on_target(uv_poll_t *poll, int status, int events)
{
    struct engine *g = poll->data;
    struct err e;
    bool rang;
    (void)status;
    (void)events;
    if (!listen_drain(g->target_guard, &rang, &e))
        lost(g, &e);
}

static void watch(struct engine *g, uv_poll_t *poll, struct conn *c, uv_poll_cb cb)
{
    if (uv_poll_init(&g->loop, poll, conn_fd(c)) != 0)
        abort(); /* a connected socket can be watched */
    poll->data = g;
    uv_poll_start(poll, UV_READABLE, cb);
}

void listener_start(struct engine *g, struct conn *source, struct conn *target)
{
    g->source_guard = source;
    g->target_guard = target;
    g->source_poll = xcalloc(1, sizeof *g->source_poll);
    g->target_poll = xcalloc(1, sizeof *g->target_poll);
    watch(g, g->source_poll, source, on_source);
    watch(g, g->target_poll, target, on_target);
}

static void closed(uv_handle_t *handle)
{
    free(handle);
}

/* The handle lives until its close callback; the socket may go as soon as it is no longer watched. */
static void unwatch(uv_poll_t **poll)
{
    if (*poll == NULL)
        return;
    uv_poll_stop(*poll);
    uv_close((uv_handle_t *)*poll, closed);
    *poll = NULL;
}

void listener_close(struct engine *g)
{
    unwatch(&g->source_poll);
    unwatch(&g->target_poll);
    conn_close(g->source_guard);
    conn_close(g->target_guard);
    g->source_guard = g->target_guard = NULL;
}
