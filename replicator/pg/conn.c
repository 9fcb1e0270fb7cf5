/* A connection as the other files have it: its errors, waiting for it, whether it stands. conn_open.c makes one. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_private.h"
#include "repl/clock.h"
#include "repl/log.h"
#include "repl/str.h"

void one_line(char *out, size_t size, const char *message)
{
    size_t n = 0;
    for (; *message != '\0' && n + 1 < size; message++) {
        char ch = *message == '\n' || *message == '\t' ? ' ' : *message;
        if (ch == ' ' && (n == 0 || out[n - 1] == ' '))
            continue;
        out[n++] = ch;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    str_cut(out, size);
}

void conn_set_side(const struct conn *c, struct err *e)
{
    snprintf(e->side, sizeof e->side, "%s", side_name(c->side));
}

/* The first of this process; commands ask at their end. */
static atomic_int misshapen_side = -1;

static bool say_misshapen(enum side side, struct err *e)
{
    err_set(e, ERR_CONFIG, "the %s answered with fewer rows or columns than were asked for", side_name(side));
    snprintf(e->side, sizeof e->side, "%s", side_name(side));
    return err_hint(
        e, "check %s: is it a PostgreSQL server of its own, without something between that changes answers?",
        side_option(side));
}

void conn_misshapen(struct conn *c, int rows, int columns)
{
    int none = -1;
    if (!c->misshapen)
        log_debug("%s: an answer of %d rows and %d columns was too small", side_name(c->side), rows, columns);
    c->misshapen = c->lost = true;
    atomic_compare_exchange_strong(&misshapen_side, &none, (int)c->side);
}

bool pg_answers_fit(struct err *e)
{
    int side = atomic_load(&misshapen_side);
    return side < 0 || say_misshapen((enum side)side, e);
}

bool conn_fail(struct conn *c, struct err *e)
{
    if (c->misshapen)
        return say_misshapen(c->side, e);
    char text[sizeof e->text];
    one_line(text, sizeof text, PQerrorMessage(c->pg));
    c->lost = true;
    err_set(e, ERR_CONN, "%s", text[0] != '\0' ? text : "the connection was lost");
    conn_set_side(c, e);
    return false;
}

bool conn_result_error(struct conn *c, const PGresult *res, struct err *e)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *schema = PQresultErrorField(res, PG_DIAG_SCHEMA_NAME);
    const char *table = PQresultErrorField(res, PG_DIAG_TABLE_NAME);
    const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
    if (state == NULL) /* libpq made it: the connection broke */
        return conn_fail(c, e);

    char text[sizeof e->text];
    one_line(text, sizeof text, primary != NULL ? primary : "unknown error");
    bool gone = strncmp(state, "57P0", 4) == 0 || strncmp(state, "08", 2) == 0;
    err_set(e, gone ? ERR_CONN : ERR_SQL, "%s", text);
    snprintf(e->sqlstate, sizeof e->sqlstate, "%s", state);
    conn_set_side(c, e);
    if (schema != NULL && table != NULL)
        err_table(e, schema, table);
    e->constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME) != NULL;
    if (hint != NULL)
        err_hint(e, "the server's hint: %s",
                 hint); /* who wrote it may be anybody who may write a function there */
    if (gone)
        c->lost = true;
    return false;
}

/* ---- waiting ---- */

bool conn_interrupted(const struct conn *c)
{
    return c->interrupt != NULL && interrupt_level(c->interrupt) >= c->give_up_at;
}

static bool say_interrupted(struct conn *c, struct err *e)
{
    err_set(e, ERR_STOPPED, "interrupted");
    conn_set_side(c, e);
    return false;
}

double wire_silent_seconds(const struct wire *w)
{
    if (atomic_load(&w->waiting) == 0)
        return 0;
    uint64_t heard = atomic_load(&w->heard_ms), now = clock_ms();
    return now > heard ? (double)(now - heard) / 1000 : 0;
}

static bool wait_watched(struct conn *c, struct waiting *w, short events, short *ready, struct err *e)
{
    for (;;) {
        if (conn_interrupted(c))
            return say_interrupted(c, e);
        uint64_t now = clock_ms(), next = waiting_next_ms(w);
        uint64_t left = next > now ? next - now : 0;
        struct pollfd fds[2] = {{.fd = PQsocket(c->pg), .events = events}, {.events = POLLIN}};
        /* A level that is raised but too low for this connection leaves the descriptor readable for good: then
         * the level is looked at from time to time instead. */
        nfds_t count = 1;
        if (c->interrupt != NULL && interrupt_level(c->interrupt) == INTERRUPT_NONE &&
            interrupt_fd(c->interrupt) >= 0) {
            fds[1].fd = interrupt_fd(c->interrupt);
            count = 2;
        } else if (c->interrupt != NULL && left > CONN_SLICE_MS) {
            left = CONN_SLICE_MS;
        }
        int n = poll(fds, count, left < INT_MAX ? (int)left : INT_MAX);
        if (n < 0 && errno != EINTR)
            return err_set(e, ERR_OS, "poll: %s", strerror(errno));
        if (n > 0 && fds[0].revents != 0) {
            *ready = fds[0].revents;
            c->heard_ms = clock_ms();
            return true;
        }
        if (clock_ms() >= next && !waiting_look(c, w, events, e))
            return false;
    }
}

bool conn_wait(struct conn *c, short events, uint64_t deadline, short *ready, struct err *e)
{
    struct waiting w;
    struct wire *wire = c->wire;
    if (wire != NULL && atomic_fetch_add(&wire->waiting, 1) == 0)
        atomic_store(&wire->heard_ms, clock_ms());
    waiting_begin(c, &w, deadline);
    bool ok = wait_watched(c, &w, events, ready, e);
    waiting_end(&w);
    if (wire != NULL && ok)
        atomic_store(&wire->heard_ms, clock_ms());
    if (wire != NULL)
        atomic_fetch_sub(&wire->waiting, 1);
    return ok;
}

bool conn_rest(struct conn *c, unsigned ms, struct err *e)
{
    struct pollfd fd = {.fd = -1, .events = POLLIN};
    if (c->interrupt != NULL)
        fd.fd = interrupt_fd(c->interrupt);
    poll(&fd, 1, (int)ms);
    return c->interrupt == NULL || interrupt_level(c->interrupt) == INTERRUPT_NONE || say_interrupted(c, e);
}

bool conn_flush(struct conn *c, struct err *e)
{
    for (;;) {
        int r = PQflush(c->pg);
        short ready = 0;
        if (r == 0)
            return true;
        if (r < 0)
            return conn_fail(c, e);
        if (!conn_wait(c, POLLIN | POLLOUT, 0, &ready, e))
            return false;
        if ((ready & POLLIN) != 0 && PQconsumeInput(c->pg) == 0)
            return conn_fail(c, e);
    }
}

/* ---- the end, and what is known of it ---- */

void conn_close(struct conn *c)
{
    if (c == NULL)
        return;
    PQfinish(c->pg);
    free(c->safe);
    free(c);
}

bool conn_usable(const struct conn *c)
{
    return !c->lost && PQstatus(c->pg) == CONNECTION_OK;
}

bool conn_stands(struct conn *c)
{
    while (conn_usable(c)) {
        struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return true;
        if (PQconsumeInput(c->pg) == 0)
            c->lost = true;
    }
    return false;
}

uint64_t conn_heard_ms(const struct conn *c)
{
    return c->heard_ms;
}

enum side conn_side(const struct conn *c)
{
    return c->side;
}

int conn_fd(const struct conn *c)
{
    return PQsocket(c->pg);
}

int conn_server_version(const struct conn *c)
{
    return PQserverVersion(c->pg);
}

int conn_backend_pid(const struct conn *c)
{
    return PQbackendPID(c->pg);
}

uint64_t conn_trip_us(const struct conn *c)
{
    return c->trip_us;
}

void conn_interrupt_at(struct conn *c, enum interrupt_level level)
{
    c->give_up_at = level;
}
