/*
 * What `repl status` shows: the contract of status --json, as plain data. The engine fills it, the state file keeps
 * it, the command line prints it.
 */
#ifndef REPL_STATUS_H
#define REPL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum phase {
    PHASE_COPYING,
    PHASE_INDEXING,
    PHASE_CATCHING_UP,
    PHASE_FOLLOWING,
    PHASE_PAUSED,
    PHASE_FENCED,
    PHASE_STOPPED,
    PHASE_RETRYING, /* an error came that passes by itself, and nothing succeeded since */
    PHASE_FAILED
};

const char *phase_name(enum phase p); /* "catching_up" */
bool phase_parse(const char *name, enum phase *out);

/* How the sync is, whatever it does. */
enum status_state {
    STATE_OK,
    STATE_DEGRADED, /* it goes on, but not for all tables, or figures are older than they should be */
    STATE_RETRYING, /* nothing goes on until the next try */
    STATE_FAILED    /* nothing goes on until a person has done something */
};

const char *state_name(enum status_state s); /* "degraded" */
bool state_parse(const char *name, enum status_state *out);

struct status_table {
    int id;
    char *schema, *name;
    char *phase; /* planned, copying, copied, catching_up, following, paused, drifted, failed */
    int64_t rows_copied, bytes_copied, bytes_total;
    double rate_bytes_per_second, eta_seconds; /* of its copy; negative: not known */
    int64_t owed_rows;                         /* -1: not known */
    char *error;                               /* NULL: none */
};

/* What the engine waits for now, longer than a moment. */
struct status_wait {
    char *side;     /* source, target */
    char *step;     /* what repl does there: "reading changed rows", "lock on public.t" */
    char *table;    /* schema.name, or NULL */
    double seconds; /* since it waits */
    struct {
        int pid;              /* of the session that is in the way; 0: none, or not known */
        char *user, *name;    /* its role and application_name, or NULL */
        double query_seconds; /* since its query began; negative: not known */
    } blocker;
};

struct status_side {
    double silent_seconds; /* it was asked, and has not answered since; 0: it answers, or nobody asks */
    char *error;           /* why it cannot be asked; NULL: it can */
};

/* A piece of a step after the load, at work. */
struct status_unit {
    char *what;      /* "index public.account_mail" */
    char *table;     /* schema.name, or NULL */
    char *phase;     /* as the server calls it, or NULL: it does not say */
    double fraction; /* of that phase; negative: not known */
    double seconds;  /* since it began */
};

/* What a part of the first copy took. */
struct status_timing {
    char *kind; /* step, table, index */
    char *name;
    double seconds;
    int64_t rows, bytes; /* -1: it has none */
};

struct status_error {
    char *at;    /* ISO 8601 */
    char *table; /* schema.name, or NULL */
    char *message;
    char *hint; /* or NULL */
};

/* All strings are malloc'ed and owned by the status; NULL where JSON shows null. */
struct status {
    enum phase phase;
    enum status_state state;
    bool back;          /* the changes go back: source and target have changed places (docs/fallback.md) */
    enum phase reached; /* what goes on underneath a pause or an error; else the same as phase */
    struct {
        bool running;
        int pid; /* 0: none */
        char *version, *since;
    } engine;
    struct {
        int running, wanted; /* workers; running is 0 while no engine runs */
        int busy;            /* of them at work */
        char *error;         /* why there are fewer than wanted, or NULL */
        int64_t max_rate;    /* bytes a second; 0: unlimited */
    } workers;
    struct {
        bool known;                          /* the source was asked */
        int64_t delta_bytes, wal_kept_bytes; /* wal_kept: -1: not known */
        double wal_bytes_per_second;         /* negative: not known */
        int64_t connections_free;            /* that this role may open */
        char *slowed;                        /* what repl does about it, and why; NULL: nothing */
    } load;                                  /* what the source bears */
    struct status_side source, target;       /* as init named them */
    double lag_seconds;                      /* negative: not known */
    int64_t owed_rows;                       /* -1: not known */
    double unknown_seconds; /* what of the two is not known was known so long ago; 0: all is, or never was */
    char *known_at;         /* when they were last learned; NULL: never */
    char *position;         /* the source snapshot that the target stands at */
    struct {
        int64_t bytes_done, bytes_total, rows_done;
        double rate_bytes_per_second; /* negative: not known, as below */
        double eta_seconds;           /* until the last row is copied; indexes come after it */
        char *from;                   /* the fork that rows are read from; NULL: the source */
    } copy;
    struct {
        bool goes_on; /* a backlog above the batch limit is brought over in steps */
        int tables_done, tables_total;
        int64_t bytes_done, bytes_total; /* of the deltas */
        int64_t rows_done;               /* written and deleted by the steps so far */
        double rate_rows_per_second;     /* negative: not known, as below */
        double eta_seconds;              /* until the last step; one batch comes after it */
    } catch_up;
    struct {
        char *at; /* NULL: no batch yet */
        int tables;
        int64_t rows_upserted, rows_deleted, bytes;
        double seconds;
    } last_batch;
    struct {
        char *name; /* indexes, constraints, analyze; NULL: none of them goes on */
        int units_done, units_total;
        struct status_unit *running; /* the longest at work first */
        size_t nrunning;
    } step;
    struct status_table *tables;
    size_t ntables;
    struct {
        char *state; /* "none", "fenced", "complete" ..., docs/cutover.md; NULL: not known */
        char *since; /* when it became that */
        char *why;   /* of one that was aborted: how it ended */
    } cutover;
    struct status_wait *waits; /* the longest first */
    size_t nwaits;
    struct status_timing
        *timings; /* once everything is copied: the steps, then the slowest tables and indexes */
    size_t ntimings;
    struct status_error *errors; /* newest first */
    size_t nerrors;
    struct {
        int tables;           /* that nobody has compared since; 0: none */
        char *since, *reason; /* ISO 8601, and a line; NULL: none */
    } doubt;         /* of whether source and target are of one history (docs/architecture.md, "Doubt") */
    char *next;      /* what to type next */
    bool consistent; /* the target shows one source snapshot (false while copying or catching up) */
    bool consistent_unknown; /* it did when it was last heard of, and cannot be asked */
    char *note;              /* the step that goes on, e.g. "building indexes", or NULL */
};

/* Makes its texts what a terminal may show (str_visible). */
void status_visible(struct status *s);

/* The phase, or the one underneath an error that passes by itself. */
enum phase status_phase(const struct status *s);

void status_free(struct status *s); /* frees what it holds, and zeroes it */

#endif
