/*
 * A connection begun. Its spec may run a command, and a host's name is looked up by functions that neither have a bound nor
 * heed an interrupt: both happen in a thread of their own, which is left to itself when the caller has waited enough.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conn_private.h"
#include "dsn_private.h"
#include "repl/clock.h"

/* How long the end of a command is waited for. */
enum { END_MS = 500 };

struct dialing {
    char *spec, *name, *encoding;
    int done; /* eventfd; readable when what is found is there */
    pthread_mutex_t lock;
    bool left;                  /* by one of the two; the other frees it */
    struct interrupt *unwanted; /* raised when nobody waits for it any more */
    bool ok;
    PGconn *pg;
    char *safe;
    bool may_be_plain;
    struct err err;
};

static void leave(struct dialing *d)
{
    pthread_mutex_lock(&d->lock);
    bool last = d->left;
    d->left = true;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    PQfinish(d->pg);
    pthread_mutex_destroy(&d->lock);
    if (d->done >= 0)
        close(d->done);
    interrupt_free(d->unwanted);
    free(d->safe);
    free(d->spec);
    free(d->name);
    free(d->encoding);
    free(d);
}

/* The network is given up after half a minute without a sign of life, well under the 350 s after which load balancers of AWS
 * forget a silent connection. */
static const char *const watched[][2] = {{"keepalives", "1"},
                                         {"keepalives_idle", "15"},
                                         {"keepalives_interval", "5"},
                                         {"keepalives_count", "3"},
                                         {"tcp_user_timeout", "30000"}};
enum { WATCHED = sizeof watched / sizeof *watched, OTHERS = 4 };

char *dsn_watched(const char *resolved)
{
    char *all = xstrdup(resolved);
    for (size_t i = 0; i < WATCHED; i++) {
        char *more = dsn_with(all, watched[i][0], watched[i][1]);
        free(all);
        all = more;
    }
    return all;
}

static PGconn *begin(const char *resolved, const struct dialing *d)
{
    char *options = dsn_session_options(resolved);
    const char *keys[OTHERS + WATCHED + 1] = {"dbname", "application_name", "client_encoding", "options"};
    const char *values[OTHERS + WATCHED + 1] = {resolved, d->name, d->encoding, options};
    for (size_t i = 0; i < WATCHED; i++) {
        keys[OTHERS + i] = watched[i][0];
        values[OTHERS + i] = watched[i][1];
    }
    PGconn *pg = PQconnectStartParams(keys, values, 1);
    free(options);
    return pg;
}

static void *run(void *arg)
{
    struct dialing *d = arg;
    char *resolved;
    d->ok = dsn_resolve_unless(d->unwanted, d->spec, &resolved, &d->err);
    if (d->ok) {
        d->safe = dsn_safe(resolved);
        d->may_be_plain = dsn_may_be_plain(resolved);
        d->pg = begin(resolved, d);
        d->ok = d->pg != NULL || err_set(&d->err, ERR_OS, "out of memory");
        explicit_bzero(resolved, strlen(resolved));
        free(resolved);
    }
    const uint64_t one = 1;
    pthread_mutex_lock(&d->lock); /* with it goes what is found */
    ssize_t written = write(d->done, &one, sizeof one);
    (void)written; /* an eventfd that nobody has written to has room */
    pthread_mutex_unlock(&d->lock);
    leave(d);
    return NULL;
}

static bool await(const struct conn *c, const struct dialing *d, uint64_t deadline, struct err *e)
{
    for (;;) {
        uint64_t now = clock_ms();
        if (conn_interrupted(c))
            return err_set(e, ERR_STOPPED, "interrupted");
        if (now >= deadline) {
            err_set(e, ERR_CONN, "where the %s is was not found out in time", side_name(c->side));
            return err_hint(e,
                            "the command of a command: connection, or the look-up of the host's name, hangs");
        }
        uint64_t left = deadline - now;
        struct pollfd fds[2] = {
            {.fd = d->done, .events = POLLIN},
            {.fd = c->interrupt != NULL ? interrupt_fd(c->interrupt) : -1, .events = POLLIN}};
        nfds_t count = interrupt_level(c->interrupt) == INTERRUPT_NONE ? 2 : 1;
        if (poll(fds, count, (int)(left < CONN_SLICE_MS ? left : CONN_SLICE_MS)) > 0 && fds[0].revents != 0)
            return true;
    }
}

bool conn_dial(struct conn *c, const char *spec, const char *name, const char *encoding, uint64_t deadline,
               struct err *e)
{
    pthread_t thread = 0;
    struct dialing *d = xcalloc(1, sizeof *d);
    *d = (struct dialing){.spec = xstrdup(spec),
                          .name = xstrdup(name),
                          .encoding = xstrdup(encoding),
                          .unwanted = interrupt_new(),
                          .done = eventfd(0, EFD_CLOEXEC)};
    deadline += dsn_read_ms(spec);
    pthread_mutex_init(&d->lock, NULL);
    int rc = d->done < 0 ? errno : pthread_create(&thread, NULL, run, d);
    if (rc != 0) {
        err_set(e, ERR_OS, "cannot begin a connection: %s", strerror(rc));
        err_files(e, rc);
        d->left = true;
        leave(d);
        return false;
    }
    pthread_detach(thread);
    bool ok = await(c, d, deadline, e);
    if (ok) {
        pthread_mutex_lock(&d->lock);
        c->safe = d->safe;
        c->pg = d->pg;
        c->may_be_plain = d->may_be_plain;
        d->safe = NULL;
        d->pg = NULL;
        ok = d->ok;
        if (!ok)
            *e = d->err;
        pthread_mutex_unlock(&d->lock);
    } else {
        /* A command is ended with its group; repl itself may be about to end. */
        struct pollfd fd = {.fd = d->done, .events = POLLIN};
        interrupt_raise(d->unwanted, INTERRUPT_NOW);
        poll(&fd, 1, dsn_read_ms(spec) != 0 ? END_MS : 0);
    }
    leave(d);
    return ok;
}
