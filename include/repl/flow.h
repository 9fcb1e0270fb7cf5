/*
 * Flow: worker threads, the copier, chunks of the first copy, batches staged and merged; repl/target.h has repl's tables
 * on the target. No loop, no state file, no knowledge of how the source captures: it is handed SQL texts.
 */
#ifndef REPL_FLOW_H
#define REPL_FLOW_H

#include <stdatomic.h>

#include "repl/catalog.h"
#include "repl/target.h"

/* ---- worker threads and their mailbox (queue.c, worker.c) ---- */

struct worker; /* a thread with a source and a target connection, and an arena reset before each job */

struct job {
    bool (*run)(struct worker *w, struct job *job, struct err *e);
    void *arg;
    /* NULL: the job is done when pool_take returns it. Else called by the worker that ran it, instead. */
    void (*ended)(struct job *job);
    /* Set by the pool when the job is done: */
    bool ok;
    struct err err;
    struct job *next; /* the mailbox's */
};

struct pool_options {
    int workers;
    const char *source_spec, *target_spec, *fork_spec; /* copied; no fork: NULL */
    struct conn_options source, target, fork;          /* strings copied */
    /* Called by a worker after it posted a result; any thread; must not block. */
    void (*wake)(void *arg);
    void *arg;
};

struct pool;

/* Starts the threads. Connections are opened by the jobs that need them. */
struct pool *pool_start(const struct pool_options *o);
/* One more worker. It runs first before any other job, and ends where that fails. Any number, but the caller counts. */
void pool_grow(struct pool *p, struct job *first);
/* So many workers end, each when it has finished the job it is at, and close their connections. */
void pool_shrink(struct pool *p, int workers);
/* The job is the pool's until pool_take returns it. Never blocks. */
void pool_submit(struct pool *p, struct job *job);
/* A finished job, or NULL. Never blocks. */
struct job *pool_take(struct pool *p);
/* Joins the threads after raising the interrupt to level. Jobs not begun are dropped; results left are returned by
 * pool_take until pool_free. */
void pool_stop(struct pool *p, enum interrupt_level level);
void pool_free(struct pool *p); /* NULL is fine */
struct interrupt *pool_interrupt(struct pool *p);
/* The sync id for sessions opened from now on (see conn_options). Only while no job is in flight. */
void pool_set_origin(struct pool *p, const char *origin);

/* Inside a job: the worker's connections, opened or reopened when needed. Each belongs to the worker. */
bool worker_source(struct worker *w, struct conn **out, struct err *e) MUST_CHECK;
bool worker_target(struct worker *w, struct conn **out, struct err *e) MUST_CHECK;
/* ERR_CONFIG where the pool was given no fork. */
bool worker_fork(struct worker *w, struct conn **out, struct err *e) MUST_CHECK;
/* Drops the worker's connections, so that the next job opens fresh ones. */
void worker_disconnect(struct worker *w);
struct arena *worker_arena(struct worker *w);
struct stages *worker_stages(struct worker *w);

/* ---- work that a job shares with workers that are free (crew.c) ---- */

/* Items 0 .. nitems-1, each run once, by whoever is free; by several workers at the same time. */
struct crew_work {
    /* A helper comes, before its first item. Where it cannot, the others do its part, and the log says why. */
    bool (*join)(struct worker *w, void *arg, struct err *e);
    bool (*run)(struct worker *w, void *arg, size_t item, struct err *e);
    /* A helper goes, after its last item. */
    bool (*leave)(struct worker *w, void *arg, struct err *e);
    void *arg;
    size_t nitems;
};
/* Inside a job: returns when every item is done, or one failed and nobody is at any more; *e is of the first that failed.
 * This worker takes items too, so that it never depends on the others. */
bool worker_share(struct worker *w, const struct crew_work *work, size_t helpers, struct err *e) MUST_CHECK;

/* ---- who may work (locks.c) ---- */

/* The engine's own lock, held by the session for its life. A session that holds it and has mark in its application_name was
 * left behind by an engine of the same directory, and is ended (NULL: none is). Tries for a while, since a server may take a
 * moment to notice that an engine before this one is gone; then ERR_CONFLICT, which says whose session has it. */
bool lock_engine(struct conn *c, const char *sync_id, const char *mark, const struct interrupt *i,
                 struct err *e) MUST_CHECK;

/* The lock of a comparison, likewise: two at once would count what they find twice. */
bool lock_verify(struct conn *c, const char *sync_id, const struct interrupt *i, struct err *e) MUST_CHECK;

/* A worker's session on the target says that it may write, for its life. */
bool lock_worker(struct conn *c, const char *sync_id, struct err *e) MUST_CHECK;

/* Ends the workers' sessions that an earlier engine left, and returns when none is left: what a killed engine had sent
 * is done or rolled back by then, and cannot come behind what this one does. */
bool lock_await_workers(struct conn *c, const char *sync_id, const struct interrupt *i,
                        struct err *e) MUST_CHECK;

/* ---- how fast (throttle.c) ---- */

/* A rate in bytes a second, 0 for none. Pure: the caller brings the time, in microseconds. Zeroed it is unlimited. */
struct bucket {
    double rate, taken, granted;
    uint64_t at_us;
};
void bucket_set(struct bucket *b, int64_t bytes_per_second, uint64_t now_us);
/* Takes what was read; the ticket is paid when bucket_wait_us says 0. */
double bucket_take(struct bucket *b, uint64_t bytes, uint64_t now_us);
uint64_t bucket_wait_us(struct bucket *b, double ticket, uint64_t now_us);

/* One bucket for all workers. The rate may be changed by any thread, and holds at once, for those who wait too. */
struct throttle;
struct throttle *throttle_new(int64_t bytes_per_second); /* 0: unlimited */
void throttle_free(struct throttle *t);                  /* NULL is fine */
void throttle_set(struct throttle *t, int64_t bytes_per_second);
int64_t throttle_limit(const struct throttle *t); /* NULL is unlimited */
/* How much a reader takes at once, so that the bytes flow evenly. */
size_t throttle_piece(const struct throttle *t, size_t most);
/* Pays for bytes that were read from c: rests as long as the rate wants. ERR_STOPPED as soon as a stop is asked for,
 * at either level: what goes that slowly is rather repeated than waited for. */
bool throttle_pay(struct throttle *t, struct conn *c, uint64_t bytes, struct err *e) MUST_CHECK;

/* ---- the copier: the hot path (copier.c) ---- */

/* How a job that copies is watched and steered. Zeroed it is neither. */
struct copy_progress {
    _Atomic uint64_t rows, bytes; /* raised while rows move, read by any thread */
    _Atomic uint64_t
        until_ms; /* set by any thread: later than this (clock_ms) the copy is given up; 0: never */
    uint64_t limited_until_ms; /* the job's own: the same while a rate is set */
    bool given_up;             /* the copy failed by one of these two, and nothing is wrong */
    struct throttle *throttle; /* NULL: as fast as it goes */
};

/* Moves the COPY OUT that source is in to the COPY IN that target is in, byte for byte. Memory: one fixed buffer,
 * and what libpq needs for the widest row. Nothing is allocated per row. Both streams are ended on success. */
bool copier_run(struct conn *source, struct conn *target, struct copy_progress *p, struct err *e) MUST_CHECK;
/* Takes what the COPY OUT has into out instead, until it has ended or out holds cap bytes or more. */
bool copier_gather(struct conn *source, struct buf *out, size_t cap, struct copy_progress *p, bool *ended,
                   struct err *e) MUST_CHECK;

/* ---- chunks of the first copy (cut.c, chunk.c) ---- */

/*
 * Cuts what the first copy has to read into chunks that get smaller toward the end, so that the workers end together:
 * each is a small part of what is left for every worker, but not above max nor, where there is that much, far below
 * min bytes. Pure.
 */
struct cutter {
    int64_t left; /* bytes of this heap and of all that are copied behind it */
    int jobs;
    int64_t min, max;
};
/* The size of the next chunk of a heap of which heap_left bytes are not cut yet; left is lowered by it. */
int64_t cut_next(struct cutter *c, int64_t heap_left);

/* Chunks below min bytes are moved together, up to min bytes and so many: each takes locks on the source, and its server
 * may have few. */
enum { CHUNK_GROUP_MAX = 48 };

struct chunk_piece { /* one chunk */
    const struct relation
        *relation; /* columns by the source's names and order, sql as the target writes it */
    /* Of capture_chunk_sql. A piece that is alone may be read in slices, a source transaction each. */
    const char *lock_sql, *look_sql, **copy_sql;
    size_t nslices;
    struct target_chunk mark; /* relation, heap and chunk given; rows and bytes are filled in */
    bool binary;
    bool tiny;                     /* and text: its rows cost no round trip, see chunk.c */
    bool completes;                /* the relation's last: it is copied then */
    struct copy_progress progress; /* raised on the way, taken back when the chunks fail */
};

/* What a logged write on the source returns, as its last result: number and place in the WAL. */
struct written {
    int64_t number; /* 0: there was none */
    char lsn[24];
};

struct chunk_copy {
    const char *schema;      /* repl's */
    const char *search_path; /* of the application, under which rows are read and written; NULL: repl's own */
    const char *begin_sql, *end_sql; /* of the source's transaction; begin is one statement */
    struct written written;          /* filled in: what end_sql returned */
    struct chunk_piece *pieces;      /* with the same number of slices */
    size_t npieces;
    unsigned slice_ms;                /* under a rate, a slice that takes longer is given up; 0: none is */
    bool given_up;                    /* on failure: so it was, or as a progress wanted; nothing is wrong */
    const struct chunk_piece *failed; /* on failure: the one that failed, where it was one */
    /* Asked when the rows stand on the target, locks and all, and are not committed; NULL: nobody. */
    bool (*may_commit)(void *arg, struct err *e);
    void *arg;
};

/* Copies the chunks, in one transaction of the target, and commits their marks with their rows. An error names the table
 * it is about. */
bool chunk_copy(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e) MUST_CHECK;

/* ---- batches (stages.c, apply.c) ---- */

/* A table that owes no more rows than these can give a statement for them (rows_of), which brings one more at most. */
enum { APPLY_FEW_ROWS = 1000 };

struct apply_table {
    const struct relation *source; /* columns and key as the source describes them */
    const struct relation *target;
    const char *copy_sql; /* COPY (...) TO STDOUT of present, key, columns */
    bool truncated;
    int64_t owed; /* for choosing a plan */
    /* The same rows as those of a statement that is kept, where they are few; no definition: there is none. */
    struct kept rows_of;
    /* More than one statement in the place of copy_sql, which bring its rows in as many parts; NULL: it is brought by the
     * batch's two sessions alone. */
    const char **slices;
    size_t nslices;
    /* Filled in: */
    const char *stage; /* where its rows wait for the merge */
    bool kept;         /* its merge is prepared in the session */
    bool counted; /* rows are inserted only where the other statements of its merge do not account for all */
    const char *values; /* its rows, a literal of an array of the stage's rows; NULL: they are in the stage */
    int64_t gone;       /* of the rows in values those that are deletes */
    int64_t rows, upserted, deleted;
    int64_t bytes; /* of its rows, as they came */
};

/* Which staging tables a target session has: they outlive a batch, up to a number. */
struct stages;
struct stages *stages_new(void);
void stages_free(struct stages *s); /* NULL is fine */

struct sequence_value {
    const char *sql; /* quoted and qualified */
    int64_t value;
    bool up;    /* ascending */
    bool exact; /* it is set, wherever it is; else it never goes backwards */
};

struct apply_fan {
    struct worker *worker;            /* whose job it is */
    size_t helpers;                   /* that may be asked, at most */
    const char *join_sql, *leave_sql; /* of a helper's transaction on the source */
};

struct apply {
    const char *schema;      /* repl's */
    const char *search_path; /* of the application, under which rows are read and written; NULL: repl's own */
    struct apply_table *tables;
    size_t ntables;
    const struct sequence_value *sequences;
    size_t nsequences;
    const char *begin_sql;      /* first in the target's transaction, or NULL */
    const char *source_end_sql; /* sent behind the copies; must be done before the target commits */
    /* On the target; must touch exactly one row: compare and set. Without a definition it is not kept. */
    struct kept position;
    int step_of;            /* a step of this relation's pass; 0: a batch */
    struct written written; /* filled in: what source_end_sql returned; committed with the rows */
    struct stages *stages;  /* of the target session */
    /* For tables with slices: workers that are free read and stage them under the snapshot of the batch's session. NULL:
     * no table has any. */
    const struct apply_fan *fan;
    bool in_turn; /* table by table: what fails is tried again behind the others */
    struct copy_progress *progress;
    int64_t bytes; /* filled in */
    bool too_wide; /* on failure: rows_of has more than it was taken for; copy_sql would bring them */
};

/*
 * Moves and commits one batch: source is in the transaction that capture_begin opened. Order: copies, source's end,
 * merge, position, COMMIT of the target. On failure nothing is on the target and both connections are reset.
 */
bool apply_batch(struct conn *source, struct conn *target, struct apply *a, struct arena *arena,
                 struct err *e) MUST_CHECK;

/* The statements for position. */
struct kept position_advance(struct arena *a, const char *schema, int64_t from_batch, const char *snapshot,
                             const struct server_identity *source, const int *left_out, size_t nleft_out);
struct step_place {
    char side;
    int64_t block;
};
/* first: the step begins the pass; else it follows the one that ended at from. */
char *position_catchup_sql(struct arena *a, const char *schema, int id, const char *goal, bool first,
                           struct step_place from, struct step_place to, bool finished);

/* Sets a sequence of the target, never backwards. */
char *sequence_set_sql(struct arena *a, const struct sequence_value *v);

#endif
