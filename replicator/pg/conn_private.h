/* What the files of this room share: the connection itself. */
#ifndef REPL_PG_CONN_PRIVATE_H
#define REPL_PG_CONN_PRIVATE_H

#include <libpq-fe.h>

#include "repl/pg.h"

/* How long a wait goes on before it looks around: at an interrupt that is raised, but too low for the connection. */
enum { CONN_SLICE_MS = 200 };

struct conn {
    PGconn *pg;
    enum side side;
    const struct interrupt *interrupt;
    enum interrupt_level give_up_at;
    struct wire *wire; /* or NULL */
    bool lost, misshapen;
    bool may_be_plain;  /* a password may go to another machine unencrypted */
    char purpose[48];   /* what it is for, as its name on the server says */
    unsigned answer_ms; /* each answer has to come within; 0: watched */
    uint64_t until_ms;  /* nothing is waited for any longer (clock_ms); 0: no such end */
    uint64_t heard_ms;  /* when the server last said something */
    bool pinged;        /* listen.c: an answer is due */
    uint64_t pinged_ms;
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

/* The interrupt is at the level at which the connection gives up. */
bool conn_interrupted(const struct conn *c);

/* One wait, as the watchdog sees it (watchdog.c). */
struct waiting {
    struct waiting *next; /* in the list of those that last */
    bool listed;
    uint64_t since_ms;
    uint64_t end_ms; /* it is given up; 0: watched instead */
    uint64_t ask_ms; /* the server is asked; 0: never */
    unsigned fails;
    struct pg_wait wait;
};
/* end: of the caller's own, or 0. */
void waiting_begin(const struct conn *c, struct waiting *w, uint64_t end);
void waiting_end(struct waiting *w);
/* When to look at it next. */
uint64_t waiting_next_ms(const struct waiting *w);
/* own: what the connection is waited for (POLLIN, POLLOUT). False: it is given up, and so is the connection. */
bool waiting_look(struct conn *c, struct waiting *w, short own, struct err *e) MUST_CHECK;

/* Begins a connection to what spec says (dial.c): c->pg, c->safe and c->may_be_plain, for PQconnectPoll. What asks for longer, a
 * command, has its own time. */
bool conn_dial(struct conn *c, const char *spec, const char *name, const char *encoding, uint64_t deadline,
               struct err *e) MUST_CHECK;

/* Asks the server to cancel what the session is at; blocks no longer than that (cancel.c). */
void conn_cancel(struct conn *c, unsigned ms);

/* The SQLSTATE in libpq's message of a connection that a server refused, where PQERRORS_SQLSTATE or PQERRORS_VERBOSE was
 * set; false: no server said anything. code may be NULL. (failure.c) */
bool conn_sqlstate_of(const char *message, char code[6]);
/* The error that it leads to a pooler. */
bool conn_pooled(const struct conn *c, struct err *e);
/* Why a connection could not be made; before: its status when it failed. */
bool conn_refused(struct conn *c, ConnStatusType before, struct err *e);
/* The same where there was no answer in time; e says so already. */
bool conn_silent(struct conn *c, ConnStatusType before, struct err *e);

/* An answer of this connection lacks what was asked for. */
void conn_misshapen(struct conn *c, int rows, int columns);
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
