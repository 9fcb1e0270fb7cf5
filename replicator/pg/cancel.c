/*
 * Cancelling a statement, without waiting long for it. libpq 17 and later sends the request over a connection like the
 * session's own, with its TLS, and does not block. Before that PQcancel() blocks, and sends the session's cancel key in the
 * clear (the key ends statements of that session and nothing else, and is worth nothing once the session has ended): it runs in
 * a thread of its own, which is left to itself when it takes too long.
 */
#include "conn_private.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "repl/clock.h"

#ifdef LIBPQ_HAS_ASYNC_CANCEL

void conn_cancel(struct conn *c, unsigned ms)
{
    const uint64_t deadline = clock_ms() + ms;
    PGcancelConn *cancel = PQcancelCreate(c->pg);
    bool going = cancel != NULL && PQcancelStart(cancel) != 0;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (going && want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQcancelSocket(cancel),
                            .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        uint64_t now = clock_ms();
        going = now < deadline && poll(&fd, 1, (int)(deadline - now)) > 0;
        if (going)
            want = PQcancelPoll(cancel);
    }
    PQcancelFinish(cancel);
}

#else

struct request {
    PGcancel *cancel;
    pthread_mutex_t lock;
    pthread_cond_t sent;
    bool done, left; /* left: by one of the two; the other frees it */
};

/* Takes the lock with it. */
static void leave(struct request *r)
{
    bool last = r->left;
    r->left = true;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    PQfreeCancel(r->cancel);
    pthread_cond_destroy(&r->sent);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void *send_request(void *arg)
{
    struct request *r = arg;
    char ignored[256];
    PQcancel(r->cancel, ignored, sizeof ignored);
    pthread_mutex_lock(&r->lock);
    r->done = true;
    pthread_cond_signal(&r->sent);
    leave(r);
    return NULL;
}

static void init(struct request *r)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->sent, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&r->lock, NULL);
}

void conn_cancel(struct conn *c, unsigned ms)
{
    struct request *r = xcalloc(1, sizeof *r);
    pthread_t thread;
    const uint64_t until = clock_ms() + ms;
    const struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    r->cancel = PQgetCancel(c->pg);
    init(r);
    pthread_mutex_lock(&r->lock);
    if (r->cancel == NULL || pthread_create(&thread, NULL, send_request, r) != 0) {
        r->left = true;
    } else {
        pthread_detach(thread);
        while (!r->done && pthread_cond_timedwait(&r->sent, &r->lock, &at) == 0)
            continue;
    }
    leave(r);
}

#endif
