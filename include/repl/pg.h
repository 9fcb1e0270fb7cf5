/*
 * libpq behind one door. A connection belongs to one thread at a time. Every wait looks at the connection's
 * interrupt too, so no thread hangs on a server while repl stops.
 */
#ifndef REPL_PG_H
#define REPL_PG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "repl/buf.h"
#include "repl/err.h"
#include "repl/interrupt.h"
#include "repl/mem.h"
#include "repl/rel.h"

/* ---- where a server is ---- */

/*
 * A connection is a URI or keyword string, env:NAME, file:PATH or command:CMD; resolved again at each call, because
 * hosts and credentials rotate. A command has a process group of its own and 30 s. On success *out is a connection string in keyword form (caller frees), with sslmode=require added unless every
 * host that it leads to, by itself, a service or PGHOST, is this machine, or it asks for more. What is wrong with a string is
 * named without showing it.
 */
bool dsn_resolve(const char *spec, char **out, struct err *e) MUST_CHECK;
/* The same; an interrupt of any level ends a command, and the wait for a file. */
bool dsn_resolve_unless(const struct interrupt *i, const char *spec, char **out, struct err *e) MUST_CHECK;

/* sslmode=prefer and allow hold for other machines, too, in this process. */
void dsn_allow_plain(bool allowed);
/* Whether a session of the resolved string may be unencrypted to another machine: it was asked for in so many words. */
bool dsn_may_be_plain(const char *resolved);

/* Whether the spec itself holds a password, or another secret, and was not told where one is kept. */
bool dsn_shows_password(const char *spec);

/* "user@host:port/dbname", safe to print; "(not resolved)" when it cannot be parsed. Caller frees. */
char *dsn_safe(const char *spec);

/* One parameter of a resolved connection string ("host", "dbname", "password" ...), or NULL. Caller frees. */
char *dsn_get(const char *resolved, const char *keyword);

/* The resolved string for a child: nothing secret in its argv. */
#define DSN_CHILD_SERVICE "repl_child"
struct dsn_child {
    char *conninfo; /* for argv */
    char *password; /* for PGPASSWORD; NULL: none */
    char *service;  /* what PGSERVICEFILE is to hold, of mode 0600; NULL: none is needed */
};
bool dsn_for_child(const char *resolved, struct dsn_child *out, struct err *e) MUST_CHECK;
void dsn_child_free(struct dsn_child *c);

/* The resolved string with a parameter set, whatever it was. Caller frees. */
char *dsn_with(const char *resolved, const char *keyword, const char *value);

/* The resolved string for another program, with the keepalives that repl's own connections have. Caller frees. */
char *dsn_watched(const char *resolved);

/* What a session is begun with ("options" of libpq): what the string or PGOPTIONS asks for, and behind it what lets a
 * session come up at all whatever its role or database has: no time limit on the first statement. Caller frees. */
char *dsn_session_options(const char *resolved);

/* The resolved string as postgres://USER@HOST:PORT/DBNAME?..., as applications want it. Without the password it is safe
 * to print. Caller frees. */
bool dsn_uri(const char *resolved, bool with_password, char **out, struct err *e) MUST_CHECK;

/* ---- connections ---- */

struct conn;

/* Of all sessions to one side: how many wait for it now, and when it was last heard of, or the first of them began to wait. */
struct wire {
    atomic_int waiting;
    _Atomic uint64_t heard_ms; /* of the monotonic clock */
};

/* For how long the side has been silent while somebody waited for it; 0: nobody waits. */
double wire_silent_seconds(const struct wire *w);

struct conn_options {
    enum side side;
    const char *purpose;           /* application_name becomes "repl: <purpose>" */
    const char *origin;            /* the sync id: capture ignores what this session writes; NULL for none */
    bool apply;                    /* the session applies rows: session_replication_role = replica */
    bool read_only;                /* the session cannot write */
    unsigned lock_timeout_ms;      /* 0: wait for ever */
    unsigned statement_timeout_ms; /* the server ends a statement then, and it is not waited for much longer;
                                      0: however long it works */
    const char *encoding;          /* client_encoding; NULL: UTF8 */
    const char
        *search_path; /* the application's, where all that the session runs is qualified; NULL: pg_catalog */
    const struct interrupt *interrupt; /* may be NULL */
    struct wire *wire;                 /* shared by sessions to the same side; may be NULL */
};

/* Connects, sets every session setting that repl relies on, refuses poolers and standbys. Blocks. */
bool conn_open(const char *spec, const struct conn_options *options, struct conn **out,
               struct err *e) MUST_CHECK;
void conn_close(struct conn *c); /* NULL is fine */

bool conn_usable(const struct conn *c); /* false after the connection was lost */
/* The same of a session that was idle: whether the server has ended it meanwhile. Reads what it said, asks nothing. */
bool conn_stands(struct conn *c);
enum side conn_side(const struct conn *c);
/* How it is protected on its way. */
struct conn_wire {
    bool remote;      /* the other end is another machine, by its address */
    bool encrypted;   /* TLS, or GSSAPI */
    char sslmode[16]; /* that holds, whoever set it */
};
void conn_wire(const struct conn *c, struct conn_wire *out);
int conn_fd(const struct conn *c);
int conn_server_version(const struct conn *c); /* 150020 */
int conn_backend_pid(const struct conn *c);
/* The shortest time that a pg_exec took in this session, microseconds: a round trip, and next to nothing else. 0: none yet. */
uint64_t conn_trip_us(const struct conn *c);
/* Rests for that long; ERR_STOPPED as soon as an interrupt of any level is raised. */
bool conn_rest(struct conn *c, unsigned ms, struct err *e) MUST_CHECK;
/* The interrupt level at which a wait on this connection gives up. INTERRUPT_NOW after conn_open. */
void conn_interrupt_at(struct conn *c, enum interrupt_level level);

/* ---- how long a wait may last (watchdog.c) ---- */

/*
 * No wait for a server is without an end. A connection is
 *   bounded, where it has a statement_timeout_ms or conn_bound() was called: an answer that does not come in time loses it;
 *   watched else: a server may be at a statement for hours, as long as it says so when it is asked through another connection.
 *     One that does not answer there either, or that waits for repl, loses the connection within twice the patience.
 * Both heed the interrupt. What is lost has the error ERR_CONN and is not usable any more.
 */
void pg_patience(unsigned answer_ms); /* of this process (repl.conf: answer_ms), from now on */
unsigned pg_patience_ms(void);
/* Each answer comes within ms, from the next wait on. 0: watched. */
void conn_bound(struct conn *c, unsigned ms);
unsigned conn_bound_ms(const struct conn *c);
/* Nothing is waited for beyond that moment of clock_ms(), whatever else is set. 0: no such moment. */
void conn_until(struct conn *c, uint64_t at_ms);
/* Whether it answers within ms; for a connection without a transaction. */
bool conn_ping(struct conn *c, unsigned ms, struct err *e) MUST_CHECK;
/* When the server last said something (clock_ms). */
uint64_t conn_heard_ms(const struct conn *c);

/* What this thread's statements are for, for those who look on: "reading changed rows". Both live until the next call; NULL:
 * the connection's purpose, no table. */
void pg_step(const char *what, const char *table);

/* A wait that has lasted for a second or longer, of any thread. */
struct pg_wait {
    enum side side;
    char step[96];
    char table[192]; /* "": none */
    uint64_t since_ms;
    struct {
        int pid; /* 0: none, or the server was not asked yet */
        char user[64], name[64];
        uint64_t query_began_ms; /* clock_ms; 0: not known */
    } blocker;                   /* the session that the server says is in the way */
};
size_t pg_waits(struct pg_wait *out, size_t most);

/* ---- statements ---- */

struct result;

void result_free(struct result *r); /* NULL is fine */
int result_rows(const struct result *r);
int result_columns(const struct result *r);
bool result_null(const struct result *r, int row, int col);
/* Of what is not there they give null, "", 0 and false; the connection is unusable from then on. */
const char *result_text(const struct result *r, int row, int col); /* "" for null; lives with r */
int64_t result_int(const struct result *r, int row, int col);      /* 0 for null */
bool result_bool(const struct result *r, int row, int col);
/* False where an answer had fewer rows or columns than were read, on whatever connection of this process. */
bool pg_answers_fit(struct err *e) MUST_CHECK;
int64_t result_affected(const struct result *r); /* rows that INSERT, UPDATE, DELETE or COPY touched */

/* One or more statements without parameters; what they return is dropped. */
bool pg_exec(struct conn *c, const char *sql, struct err *e) MUST_CHECK;

/* One statement with $1.. parameters in text form (NULL for null). *out is the caller's to free. */
bool pg_query(struct conn *c, const char *sql, int nparams, const char *const *params, struct result **out,
              struct err *e) MUST_CHECK;

/* As pg_query, for exactly one row of one column, as a copied string (caller frees), which is not null. */
bool pg_value(struct conn *c, const char *sql, int nparams, const char *const *params, char **out,
              struct err *e) MUST_CHECK;
/* The same; NULL for null. */
bool pg_value_or_null(struct conn *c, const char *sql, int nparams, const char *const *params, char **out,
                      struct err *e) MUST_CHECK;

/*
 * Statements that the session keeps prepared. A definition is what stands behind the name in PREPARE: "AS SELECT ..." or
 * "(text, int) AS SELECT ...". Up to PG_KEPT_MOST at once; those of one call are there together afterwards, for EXECUTE
 * with their names. One round trip for those that are new. On failure the statements that were there before may be gone.
 */
enum { PG_KEPT_NAME = 24, PG_KEPT_MOST = 400 };
bool pg_keep(struct conn *c, const char *const *definitions, size_t n, struct err *e) MUST_CHECK;
void pg_kept_name(const char *definition, char name[PG_KEPT_NAME]);
/* What they refer to is gone: none is kept any more. */
void pg_kept_forget(struct conn *c);
/* A statement to keep, and the text that runs it with what it is given. */
struct kept {
    const char *definition, *execute;
};
/* params: literals and other expressions, with commas between them; "" for none. Strings are the arena's. */
struct kept pg_kept(struct arena *a, const char *definition, const char *params);
/* As pg_query, with a statement that is kept. */
bool pg_kept_query(struct conn *c, const char *definition, int nparams, const char *const *params,
                   struct result **out, struct err *e) MUST_CHECK;

/*
 * Several statements in one round trip, their results taken one by one. pg_next gives
 * PG_RESULT (*out is the caller's), PG_COPY_OUT / PG_COPY_IN (move the rows with copy_read / copy_write, then go on
 * with pg_next), or PG_END; where they were sent for rows, PG_ROW (*out holds one, the caller's) for each row, and
 * PG_RESULT without rows behind the last. After an error the rest is drained and the connection is ready for the next statement.
 */
enum pg_event { PG_RESULT, PG_ROW, PG_COPY_OUT, PG_COPY_IN, PG_END };

bool pg_send(struct conn *c, const char *sql, struct err *e) MUST_CHECK;
/* The same; what they return comes row by row, so that memory holds one. */
bool pg_send_for_rows(struct conn *c, const char *sql, struct err *e) MUST_CHECK;
/* Of a message sent for rows: each row of the next statement to take (NULL: nobody wants them), up to its end. */
bool pg_rows(struct conn *c, bool (*take)(void *arg, const struct result *row, struct err *e), void *arg,
             struct err *e) MUST_CHECK;
bool pg_next(struct conn *c, enum pg_event *event, struct result **out, struct err *e) MUST_CHECK;
/* Drops results until there are no more; a COPY among them is an error. */
bool pg_end(struct conn *c, struct err *e) MUST_CHECK;

/* Rolls back whatever transaction is open; cancels what still runs. A connection that cannot be saved is unusable
 * afterwards (conn_usable). Never fails. */
void pg_reset(struct conn *c);

/* ---- COPY streams ---- */

/*
 * Takes what has arrived of a COPY OUT into out (cap bytes), pieces of rows too: *len is 0 only at the end of the
 * data. *rows_ended is raised by the rows that ended within. Blocks until something is there.
 * A row wider than cap comes in several pieces; only libpq's input buffer holds it whole.
 */
bool copy_read(struct conn *c, char *out, size_t cap, size_t *len, uint64_t *rows_ended,
               struct err *e) MUST_CHECK;

/* Sends bytes into a COPY IN; returns when libpq holds no more than one buffer of them. */
bool copy_write(struct conn *c, const char *data, size_t len, struct err *e) MUST_CHECK;

/* Ends a COPY IN; pg_next then gives its result. */
bool copy_finish(struct conn *c, struct err *e) MUST_CHECK;

/* ---- SQL text ---- */

struct sql_var {
    const char *name;
    const char *value;
};

/*
 * Fills :name (as it is), :'name' (a literal) and :"name" (an identifier) as psql -v would; what stands in quotes,
 * dollar quotes and comments, and "::" and ":=", is left alone, as psql leaves it. Comments are dropped. vars ends
 * with {NULL, NULL}. Caller frees. An unknown name is a bug: aborts.
 */
char *sql_fill(const char *text, const struct sql_var *vars);
/* The same, in the arena. */
char *sql_filled(struct arena *a, const char *text, const struct sql_var *vars);

/* pg_exec, and pg_query without parameters, of a text that is filled first. */
bool pg_exec_filled(struct conn *c, const char *text, const struct sql_var *vars, struct err *e) MUST_CHECK;
bool pg_query_filled(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                     struct err *e) MUST_CHECK;
/* The same of several statements; *out is what the last one returned. */
bool pg_query_last_filled(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                          struct err *e) MUST_CHECK;

/* Appends a quoted identifier / literal. Every quote that repl writes is written here. */
void sql_ident(struct buf *b, const char *name);
void sql_literal(struct buf *b, const char *text);

/* The statement that gives the transaction a search_path, as catalog_search_path gives it; NULL: repl's own, pg_catalog. What runs
 * under the application's names nothing of repl's without its schema, operators included. */
char *search_path_sql(struct arena *a, const char *path);
/* A query under that path, in a transaction of its own. Caller frees the result. */
bool search_path_query(struct conn *c, const char *path, const char *sql, struct result **out,
                       struct err *e) MUST_CHECK;
/* A function, table, type or schema is not there, or not under the path of the session. */
bool search_path_misses_a_name(const struct err *e);
/* Where that is the error: says what to do. Returns false. */
bool search_path_hint(const char *path, struct err *e);
char *sql_qualified(struct arena *a, const char *schema, const char *name);
/* The values of an array of text as the server writes it, {a,"b c"}; false where it is none, of more than one dimension, or
 * has nulls. The values are the arena's. */
bool sql_array_parse(struct arena *a, const char *text, char ***values, size_t *n);

/* ---- LISTEN ---- */

/* LISTENs on the channel. The loop then watches conn_fd() and calls listen_drain when it is readable. */
bool listen_start(struct conn *c, const char *channel, struct err *e) MUST_CHECK;
/* Takes what has arrived without blocking; *rang says whether a notification was among it. */
bool listen_drain(struct conn *c, bool *rang, struct err *e) MUST_CHECK;
/* From time to time, without blocking: a connection that was silent for half the patience is asked for a sign of life, and
 * false is returned where none came within the patience. */
bool listen_probe(struct conn *c, struct err *e) MUST_CHECK;

#endif
