/* What the files of this room share: the connection itself. */
#ifndef REPL_PG_CONN_PRIVATE_H
#define REPL_PG_CONN_PRIVATE_H

#include <libpq-fe.h>

#include "repl/pg.h"

struct conn {
    PGconn *pg;
    enum side side;
    const struct interrupt *interrupt;
    enum interrupt_level give_up_at;
    bool lost;
    uint64_t trip_us;  /* the shortest pg_exec */
    bool kept_unknown; /* keep.c: what the session has prepared */
    size_t nkept;
    uint64_t kept[PG_KEPT_MOST];
    char *safe; /* where it leads, for messages; NULL until resolved */
};

/* Blocks until the socket is ready for one of events (POLLIN, POLLOUT), the interrupt or the deadline (monotonic
 * milliseconds, 0 for none). Afterwards *ready holds the events that came. */
bool conn_wait(struct conn *c, short events, uint64_t deadline, short *ready, struct err *e) MUST_CHECK;

/* Sends all that libpq holds, reading meanwhile so that neither side waits for the other. */
bool conn_flush(struct conn *c, struct err *e) MUST_CHECK;

/* The error is about the connection's side. */
void conn_set_side(const struct conn *c, struct err *e);

/* The connection's own error (not a statement's): marks it lost. Returns false. */
bool conn_fail(struct conn *c, struct err *e);

/* A failed statement's error. Returns false. */
bool conn_result_error(struct conn *c, const PGresult *res, struct err *e);

/* The next result, NULL at the end; waits like everything here. */
bool conn_get_result(struct conn *c, PGresult **out, struct err *e) MUST_CHECK;

/* The result of the one statement that was sent. */
bool conn_one_result(struct conn *c, struct result **out, struct err *e) MUST_CHECK;

/* Copies libpq's message as one line. */
void one_line(char *out, size_t size, const char *message);

#endif
