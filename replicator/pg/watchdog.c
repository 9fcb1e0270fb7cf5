/*
 * The watchdog. A wait for a server has an end: a bound, where the connection has one; else the server is asked through
 * another connection, from time to time, whether the session still works. A statement that takes an hour is waited for as
 * long as its session works; a wire that swallows is noticed, since a server that cannot be asked either, twice in a row,
 * or that waits for repl while repl waits for it, will never answer.
 *
 * All waits that last are on one list, with what the server said of them, for status.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_private.h"
#include "repl/clock.h"
#include "repl/embedded.h"

enum { PATIENCE_MS = 15000, QUESTION_LEAST_MS = 3000, LISTED_MS = 1000, FAILS_MOST = 2, AGAIN_MS = 1000 };

static atomic_uint patience_ms = PATIENCE_MS;

void pg_patience(unsigned answer_ms)
{
    atomic_store(&patience_ms, answer_ms);
}

unsigned pg_patience_ms(void)
{
    return atomic_load(&patience_ms);
}

/* ---- what the threads are at ---- */

static _Thread_local const char *step_now, *table_now;

void pg_step(const char *what, const char *table)
{
    step_now = what;
    table_now = table;
}

/* ---- the list ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *first;

static void list_add(struct conn *c, struct waiting *w)
{
    w->wait = (struct pg_wait){.side = c->side, .since_ms = w->since_ms, .blocker.query_began_ms = 0};
    snprintf(w->wait.step, sizeof w->wait.step, "%s", step_now != NULL ? step_now : c->purpose);
    snprintf(w->wait.table, sizeof w->wait.table, "%s", table_now != NULL ? table_now : "");
    pthread_mutex_lock(&lock);
    w->next = first;
    first = w;
    pthread_mutex_unlock(&lock);
    w->listed = true;
}

static void list_remove(struct waiting *w)
{
    if (!w->listed)
        return;
    pthread_mutex_lock(&lock);
    struct waiting **p = &first;
    while (*p != w)
        p = &(*p)->next;
    *p = w->next;
    pthread_mutex_unlock(&lock);
    w->listed = false;
}

size_t pg_waits(struct pg_wait *out, size_t most)
{
    size_t n = 0;
    pthread_mutex_lock(&lock);
    for (const struct waiting *w = first; w != NULL && n < most; w = w->next)
        out[n++] = w->wait;
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- asking the server, through another connection ---- */

enum heard {
    HEARD_ITSELF,  /* the connection itself, or the interrupt: the question is not worth going on with */
    HEARD_NOTHING, /* no answer in time, or no server */
    HEARD_REFUSAL, /* the server is there, but does not tell */
    HEARD_WORKS,
    HEARD_LOST /* the session has ended, or waits for repl */
};

/* Waits for the question's connection; for the one in question too. */
static enum heard await(struct conn *c, PGconn *other, short events, short own, uint64_t deadline)
{
    for (;;) {
        uint64_t now = clock_ms();
        if (now >= deadline)
            return HEARD_NOTHING;
        struct pollfd fds[3] = {
            {.fd = PQsocket(other), .events = events},
            {.fd = PQsocket(c->pg), .events = own},
            {.fd = c->interrupt != NULL ? interrupt_fd(c->interrupt) : -1, .events = POLLIN}};
        /* An interrupt that is raised, but too low for this connection, would be readable for good. */
        nfds_t count = interrupt_level(c->interrupt) == INTERRUPT_NONE ? 3 : 2;
        uint64_t left = deadline - now;
        int n = poll(fds, count, (int)(left < CONN_SLICE_MS ? left : CONN_SLICE_MS));
        if (n < 0 && errno != EINTR)
            return HEARD_NOTHING;
        if (conn_interrupted(c) || (n > 0 && fds[1].revents != 0))
            return HEARD_ITSELF;
        if (n > 0 && fds[0].revents != 0)
            return HEARD_WORKS;
    }
}

/* The same server, to the address: neither names nor commands are resolved again. */
static PGconn *dial_again(struct conn *c)
{
    PQconninfoOption *options = PQconninfo(c->pg);
    size_t n = 0;
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        n++;
    const char **keys = xcalloc(n + 1, sizeof *keys), **values = xcalloc(n + 1, sizeof *values);
    const char *address = PQhostaddr(c->pg);
    size_t used = 0;
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        const char *value = o->val;
        if (strcmp(o->keyword, "host") == 0)
            value = PQhost(c->pg);
        else if (strcmp(o->keyword, "hostaddr") == 0)
            value = address[0] != '\0' ? address : NULL;
        else if (strcmp(o->keyword, "port") == 0)
            value = PQport(c->pg);
        else if (strcmp(o->keyword, "application_name") == 0)
            value = "repl: watchdog";
        else if (strcmp(o->keyword, "sslmode") == 0 && value != NULL && PQsslInUse(c->pg) != 0 &&
                 (strcmp(value, "prefer") == 0 || strcmp(value, "allow") == 0))
            value = "require"; /* it could be had */
        else if (strcmp(o->keyword, "service") == 0)
            value = NULL; /* what it says is among the others */
        if (value == NULL)
            continue;
        keys[used] = o->keyword;
        values[used++] = value;
    }
    PGconn *other = PQconnectStartParams(keys, values, 0);
    free(keys);
    free(values);
    PQconninfoFree(options);
    return other;
}

static enum heard connect_again(struct conn *c, PGconn *other, short own, uint64_t deadline)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    PQsetErrorVerbosity(other, PQERRORS_SQLSTATE);
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED)
            return conn_sqlstate_of(PQerrorMessage(other), NULL) ? HEARD_REFUSAL : HEARD_NOTHING;
        enum heard h = await(c, other, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, own, deadline);
        if (h != HEARD_WORKS)
            return h;
        want = PQconnectPoll(other);
    }
    return HEARD_WORKS;
}

static enum heard take_answer(PGresult *r, struct pg_wait *out)
{
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        return HEARD_REFUSAL;
    if (PQntuples(r) == 0)
        return HEARD_LOST;
    out->blocker.pid = atoi(PQgetvalue(r, 0, 1));
    snprintf(out->blocker.user, sizeof out->blocker.user, "%s", PQgetvalue(r, 0, 2));
    snprintf(out->blocker.name, sizeof out->blocker.name, "%s", PQgetvalue(r, 0, 3));
    double age = strtod(PQgetvalue(r, 0, 4), NULL);
    uint64_t now = clock_ms(), age_ms = age > 0 ? (uint64_t)(age * 1e3) : 0;
    out->blocker.query_began_ms = PQgetisnull(r, 0, 4) ? 0 : age_ms < now ? now - age_ms : 1;
    return PQgetvalue(r, 0, 0)[0] == 't' ? HEARD_WORKS : HEARD_LOST;
}

static enum heard question(struct conn *c, PGconn *other, short own, uint64_t deadline, struct pg_wait *out)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", PQbackendPID(c->pg));
    char *sql = sql_fill(sql_pg_session, (const struct sql_var[]){{"pid", pid}, {NULL, NULL}});
    bool sent = PQsetnonblocking(other, 1) == 0 && PQsendQuery(other, sql) != 0;
    free(sql);
    if (!sent)
        return HEARD_NOTHING;
    bool unsent = true;
    while (unsent || PQisBusy(other)) {
        int left = PQflush(other);
        unsent = left > 0;
        enum heard h =
            left < 0 ? HEARD_NOTHING : await(c, other, unsent ? POLLIN | POLLOUT : POLLIN, own, deadline);
        if (h != HEARD_WORKS)
            return h;
        if (PQconsumeInput(other) == 0)
            return HEARD_NOTHING;
    }
    PGresult *r = PQgetResult(other);
    enum heard h = r != NULL ? take_answer(r, out) : HEARD_NOTHING;
    PQclear(r);
    return h;
}

static enum heard ask(struct conn *c, short own, struct pg_wait *out)
{
    unsigned ms = pg_patience_ms() / 2;
    uint64_t deadline = clock_ms() + (ms > QUESTION_LEAST_MS ? ms : QUESTION_LEAST_MS);
    PGconn *other = dial_again(c);
    enum heard h = other == NULL || PQstatus(other) == CONNECTION_BAD
                       ? HEARD_NOTHING
                       : connect_again(c, other, own, deadline);
    if (h == HEARD_WORKS)
        h = question(c, other, own, deadline, out);
    PQfinish(other);
    return h;
}

/* ---- one wait ---- */

static unsigned first_question_ms(void)
{
    return pg_patience_ms() / 3 * 2;
}

void waiting_begin(const struct conn *c, struct waiting *w, uint64_t end)
{
    *w = (struct waiting){.since_ms = clock_ms()};
    w->end_ms = end;
    if (c->until_ms != 0 && (w->end_ms == 0 || c->until_ms < w->end_ms))
        w->end_ms = c->until_ms;
    if (c->answer_ms != 0 && (w->end_ms == 0 || w->since_ms + c->answer_ms < w->end_ms))
        w->end_ms = w->since_ms + c->answer_ms;
    w->ask_ms = w->end_ms == 0 ? w->since_ms + first_question_ms() : 0;
}

void waiting_end(struct waiting *w)
{
    list_remove(w);
}

uint64_t waiting_next_ms(const struct waiting *w)
{
    uint64_t at = w->listed ? UINT64_MAX : w->since_ms + LISTED_MS;
    at = w->end_ms != 0 && w->end_ms < at ? w->end_ms : at;
    return w->ask_ms != 0 && w->ask_ms < at ? w->ask_ms : at;
}

static bool give_up(struct conn *c, const struct waiting *w, const char *how, struct err *e)
{
    double seconds = (double)(clock_ms() - w->since_ms) / 1e3;
    c->lost = true;
    err_set(e, ERR_CONN, "no answer from the server for %.1f s (%s)%s", seconds,
            step_now != NULL ? step_now : c->purpose, how);
    conn_set_side(c, e);
    if (table_now != NULL)
        snprintf(e->table, sizeof e->table, "%s", table_now);
    return err_hint(
        e, "look at the network to the %s, and at its server's load; repl.conf has the bound: answer_ms",
        side_name(c->side));
}

static void note(struct waiting *w, const struct pg_wait *heard)
{
    pthread_mutex_lock(&lock);
    w->wait.blocker = heard->blocker;
    pthread_mutex_unlock(&lock);
}

/* What the server says of the session; false: it will not answer any more. */
static bool ask_for(struct conn *c, struct waiting *w, short own, struct err *e)
{
    struct pg_wait heard = {0};
    enum heard h = ask(c, own, &heard);
    if (h == HEARD_ITSELF)
        return true;
    w->ask_ms = clock_ms() + first_question_ms();
    if (h == HEARD_WORKS || h == HEARD_REFUSAL) {
        w->fails = 0;
        if (c->wire != NULL) /* busy is not silent */
            atomic_store(&c->wire->heard_ms, clock_ms());
        note(w, &heard);
        return true;
    }
    if (++w->fails < FAILS_MOST) {
        /* A session that waits for repl may have sent its answer this moment. */
        w->ask_ms = clock_ms() + (h == HEARD_LOST ? AGAIN_MS : 0);
        return true;
    }
    return give_up(c, w,
                   h == HEARD_LOST ? ", though it is through with it: the connection is broken"
                                   : ", and none to a new connection",
                   e);
}

bool waiting_look(struct conn *c, struct waiting *w, short own, struct err *e)
{
    uint64_t now = clock_ms();
    if (w->end_ms != 0 && now >= w->end_ms)
        return give_up(c, w, "", e);
    if (!w->listed && now >= w->since_ms + LISTED_MS)
        list_add(c, w);
    return w->ask_ms == 0 || now < w->ask_ms || ask_for(c, w, own, e);
}

/* ---- what the others set ---- */

void conn_bound(struct conn *c, unsigned ms)
{
    c->answer_ms = ms;
}

unsigned conn_bound_ms(const struct conn *c)
{
    return c->answer_ms;
}

void conn_until(struct conn *c, uint64_t at_ms)
{
    c->until_ms = at_ms;
}

bool conn_ping(struct conn *c, unsigned ms, struct err *e)
{
    unsigned before = c->answer_ms;
    c->answer_ms = ms;
    bool ok = pg_exec(c, "SELECT 1", e);
    c->answer_ms = before;
    return ok;
}
