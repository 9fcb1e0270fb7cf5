/*
 * What ends a wait of the cutover: Ctrl-C and its brothers, the time that is up, the lease of the fence that could not be
 * renewed. A thread looks at all three and raises the interrupt that every connection of the cutover has, so no statement
 * waits for a silent server. A second thread renews the lease, over a connection of its own.
 */
#include "watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "repl/clock.h"

enum { LOOK_MS = 50 };

struct watch {
    const struct interrupt *user; /* NULL: nobody */
    struct interrupt *stop, *done;
    _Atomic uint64_t deadline; /* clock_ms; 0: none */
    _Atomic uint64_t lease_until;
    atomic_int why;
    pthread_t thread;
};

static void fire(struct watch *w, enum watch_end why)
{
    int none = WATCH_GOES_ON;
    atomic_compare_exchange_strong(&w->why, &none, (int)why);
    interrupt_raise(w->stop, INTERRUPT_NOW);
}

static bool is_over(const _Atomic uint64_t *at)
{
    uint64_t when = atomic_load(at);
    return when != 0 && clock_ms() >= when;
}

static void *watch_run(void *arg)
{
    struct watch *w = arg;
    struct pollfd fds[] = {{.fd = interrupt_fd(w->done), .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (w->user != NULL)
        fds[1].fd = interrupt_fd(w->user);
    while (interrupt_level(w->done) == INTERRUPT_NONE && atomic_load(&w->why) == WATCH_GOES_ON) {
        poll(fds, 2, LOOK_MS);
        if (interrupt_level(w->user) != INTERRUPT_NONE)
            fire(w, WATCH_INTERRUPTED);
        else if (is_over(&w->deadline))
            fire(w, WATCH_TIME_IS_UP);
        else if (is_over(&w->lease_until))
            fire(w, WATCH_LEASE_IS_OVER);
    }
    return NULL;
}

struct watch *watch_new(const struct interrupt *user, unsigned ms)
{
    struct watch *w = xcalloc(1, sizeof *w);
    w->user = user;
    w->stop = interrupt_new();
    w->done = interrupt_new();
    watch_deadline(w, ms);
    if (pthread_create(&w->thread, NULL, watch_run, w) != 0)
        abort(); /* no thread for a process that has two */
    return w;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    interrupt_raise(w->done, INTERRUPT_NOW);
    pthread_join(w->thread, NULL);
    interrupt_free(w->stop);
    interrupt_free(w->done);
    free(w);
}

void watch_deadline(struct watch *w, unsigned ms)
{
    atomic_store(&w->deadline, ms != 0 ? clock_ms() + ms : 0);
}

const struct interrupt *watch_interrupt(const struct watch *w)
{
    return w->stop;
}

enum watch_end watch_why(const struct watch *w)
{
    return (enum watch_end)atomic_load(&w->why);
}

/* ---- the lease ---- */

struct lease {
    struct watch *w;
    const struct sync *s;
    const struct capture *capture;
    struct conn *db;
    int64_t attempt;
    unsigned ms;
    struct interrupt *done;
    pthread_t thread;
};

static bool lease_connect(struct lease *l, struct err *e)
{
    const struct conn_options o = {.side = SIDE_SOURCE,
                                   .purpose = "cutover lease",
                                   .origin = l->capture->sync_id,
                                   .lock_timeout_ms = l->ms,
                                   .statement_timeout_ms = l->ms,
                                   .interrupt = l->w->stop};
    conn_close(l->db);
    l->db = NULL;
    return conn_open(l->s->source, &o, &l->db, e);
}

/* The server counts from when it renews, this clock from before it was asked: so it is never the later one. */
static bool lease_renew(struct lease *l, struct err *e)
{
    uint64_t asked = clock_ms();
    bool holds;
    if ((l->db == NULL || !conn_usable(l->db)) && !lease_connect(l, e))
        return true; /* it may come back in time */
    if (!fence_renew(l->db, l->capture, l->attempt, l->ms, &holds, e)) {
        conn_close(l->db);
        l->db = NULL;
        return true;
    }
    if (holds)
        atomic_store(&l->w->lease_until, asked + l->ms);
    return holds;
}

static void *lease_run(void *arg)
{
    struct lease *l = arg;
    struct err ignored; /* the watch says what became of it */
    while (interrupt_level(l->done) == INTERRUPT_NONE && watch_why(l->w) == WATCH_GOES_ON) {
        struct pollfd fd = {.fd = interrupt_fd(l->done), .events = POLLIN};
        poll(&fd, 1, (int)(l->db != NULL ? l->ms / 4 : l->ms / 20));
        if (interrupt_level(l->done) == INTERRUPT_NONE && !lease_renew(l, &ignored))
            fire(l->w, WATCH_FENCE_IS_GONE);
    }
    return NULL;
}

struct lease *lease_new(struct watch *w, const struct sync *s, const struct capture *capture, unsigned ms,
                        struct err *e)
{
    struct lease *l = xcalloc(1, sizeof *l);
    *l = (struct lease){.w = w, .s = s, .capture = capture, .ms = ms, .done = interrupt_new()};
    if (lease_connect(l, e))
        return l;
    interrupt_free(l->done);
    free(l);
    return NULL;
}

void lease_start(struct lease *l, int64_t attempt, uint64_t asked)
{
    l->attempt = attempt;
    atomic_store(&l->w->lease_until, asked + l->ms);
    if (pthread_create(&l->thread, NULL, lease_run, l) != 0)
        abort(); /* no thread for a process that has three */
}

void lease_end(struct lease *l)
{
    if (l == NULL)
        return;
    if (l->attempt != 0) {
        interrupt_raise(l->done, INTERRUPT_NOW);
        pthread_join(l->thread, NULL);
        atomic_store(&l->w->lease_until, 0);
    }
    conn_close(l->db);
    interrupt_free(l->done);
    free(l);
}
