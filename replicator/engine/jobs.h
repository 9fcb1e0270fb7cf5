/*
 * What workers run, composed from the rooms below. A job is made by the loop, run by one worker, and read by
 * the loop again; its memory is its own arena's. What it points to outside (the world, the standing) is not changed
 * while a job that reads it is in flight.
 */
#ifndef REPL_ENGINE_JOBS_H
#define REPL_ENGINE_JOBS_H

#include "repl/fence.h"
#include "repl/sequences.h"
#include "repl/units.h"
#include "settings.h"
#include "widths.h"

struct engine;
struct hold;

/* Both databases, as one opening found them. Immutable until the next, but for the sequences: only repl moves those
 * of the target, and only the one batch in flight looks at them. */
struct world {
    struct arena *mem;
    struct capture capture;
    struct server_identity source;
    int source_version;         /* 150020 */
    struct relations relations; /* of the sync, as the source describes them; id set */
    struct relation *targets;   /* the same tables, as the target does; same index */
    struct err *drifts;         /* why a table cannot follow; ERR_NONE where it can; same index */
    size_t *drifting;           /* the indexes of those that cannot: mostly none, of thousands */
    size_t ndrifting;
    struct strlist said;     /* what the opening did, in the arena */
    const char *outlines[2]; /* of the tables of both sides: another text, another world */
    struct strlist news;     /* tables of the source that are not in the sync, in the arena */
    int *half; /* of those, the ids of which capture has: somebody was killed while they joined */
    size_t nhalf;
    bool unfinished;             /* a table was locked by others: the next survey opens again */
    const char **gone;           /* a partition that only the target still has, or NULL; same index */
    const char **held;           /* one that others hold, so it is not taken in, or NULL; same index */
    struct sequences *sequences; /* of the target, kept up to date */
    struct target_state state;   /* of the target, then */
    bool other_history;          /* source and target were found not to be of one history any more */
    bool fenced;                 /* the source's writers were switched off by a cutover */
    struct cutover_now cutover;  /* strings are the arena's */
    bool lifted;                 /* a cutover had ended before the switch: this opening took its fence away */
    const char *fork;            /* safe to print; NULL: no rows are wanted of one any more */
};

void world_free(struct world *w); /* NULL is fine */

/* Where the target stands. Changed by the loop when a batch is committed. Strings are malloc'ed. */
struct standing {
    int64_t batch;
    int64_t number;  /* of the logged write behind that batch */
    int64_t written; /* of the last logged write that the target has anything of */
    char *snapshot;
    struct own_position {
        int id;
        char *snapshot;
        int64_t batch; /* a target that has a later batch has this position, too */
    } * own;
    size_t nown;
};

/* Every job begins with this. */
struct task {
    struct job job;                                 /* first: the pool hands it back */
    struct engine *engine;                          /* for done, on the loop thread alone */
    void (*done)(struct engine *g, struct task *t); /* reads the result on the loop */
    bool kept;                                      /* set by done: the task is not freed behind it */
    struct arena *mem;
    const struct sync *sync;
    const struct settings *settings;
    const struct world *world;
    struct widths *widths;
    const struct interrupt *interrupt;
    struct wire *wires; /* of the source and the target */
    uint64_t made_ms;
    int jobs; /* workers, when the job was submitted */
};

/* A task of that many bytes, zeroed, with its arena. */
void *task_new(size_t size, bool (*run)(struct worker *, struct job *, struct err *),
               void (*done)(struct engine *, struct task *));
void task_free(struct task *t);

/* ---- opening (job_open.c) ---- */

struct open_task {
    struct task task;
    bool take_guards; /* connections that hold the locks are wanted */
    bool first;       /* of this engine: sessions of an earlier one are waited for */
    uint64_t request; /* requests up to this one were there when it began */
    const char *mark; /* of the control connections; the engine's */
    struct conn *source_guard, *target_guard;
    struct world *found;
};
bool job_open(struct worker *w, struct job *job, struct err *e);

/* ---- one more worker (workers.c) ---- */

struct join_task {
    struct task task;
};
bool job_join(struct worker *w, struct job *job, struct err *e);
/* Parts of an opening (job_judge.c), each an ERR_CONFIG with what to do, or what of the world it fills in. */
/* begin: the control sessions are new, and so is the epoch. */
bool world_history(struct conn *source, struct conn *target, bool begin, struct world *w,
                   struct err *e) MUST_CHECK;
void world_keep_captured(struct world *w, const struct sync *sync); /* news, half */
bool world_all_there(const struct world *w, struct err *e) MUST_CHECK;
void world_match(struct world *w, const struct relations *targets); /* targets, drifts */
bool world_all_agree(const struct world *w, struct err *e) MUST_CHECK;
void world_list_drifting(struct world *w); /* drifting */
/* Parts of an opening (job_mend.c). What happened, for the log; the text is the arena's. */
void world_say(struct world *w, char *text);
/* The target's key has the columns of the source's, or is still to be made. */
bool mend_same_key(const struct world *w, const struct relation *source, const struct relation *target);
/* Capture follows what became of keys. Where anything was mended the world is to be read again. */
bool mend_keys(struct world *w, const struct relations *targets, struct conn *source, struct conn *target,
               bool *mended, struct err *e);
/* Partitions that came and went (job_leaves.c). Afterwards mend_left tells whether, and *e why, a table has to wait. */
bool mend_leaves(struct world *w, const struct relations *targets, struct conn *source, struct conn *target,
                 struct err *e);
bool mend_left(const struct world *w, const struct relation *r, struct err *e);

/* One more table joins the sync. */
struct add_task {
    struct task task;
    const char *table;  /* as the user named it */
    bool only_if_there; /* the target's table is not made */
    char *added;        /* found: its label */
    struct strlist said;
};
bool job_add(struct worker *w, struct job *job, struct err *e);

/* Looks whether the tables of either side have changed since the opening. */
struct survey_task {
    struct task task;
    uint64_t request; /* requests up to this one were there when it began */
    bool changed;
    const char *marks[2]; /* by side, see catalog_marks */
    size_t in_doubt;      /* given, and found: tables that nobody has compared since a doubt */
    uint64_t took_ms;
};
bool job_survey(struct worker *w, struct job *job, struct err *e);

/* The cutover's state; one whose lease is over is ended. fence.c */
bool fence_look(struct conn *source, const struct capture *c, struct arena *a, struct cutover_now *now,
                bool *lifted, struct err *e) MUST_CHECK;
/* What to type while a fence is up; the caller frees it. */
char *fence_next(const char *state, const char *since, bool back, bool turns);

/* What the source bears. */
struct burden_task {
    struct task task;
    struct burden found; /* strings in the arena */
    int64_t connections; /* that repl may have in all */
    uint64_t took_ms;
};
bool job_burden(struct worker *w, struct job *job, struct err *e);

/* ---- a fork to copy from (job_fork.c) ---- */

/* While rows are wanted from it: it is known, and the one that it must be. Part of an opening. */
bool world_check_fork(struct worker *worker, const struct sync *sync, struct world *w,
                      struct err *e) MUST_CHECK;
/* Where the rows of the relation at that place come from, and the connection to there. */
bool world_from_fork(const struct world *w, size_t index);
bool worker_rows(struct worker *w, const struct world *world, size_t index, struct conn **out,
                 struct err *e) MUST_CHECK;
/*
 * When the last rows of a table from the fork are on the target: the source has not altered it since the world was read.
 * Such an ALTER TABLE on both sides would have changed the target's rows of before, and not those that came from the fork
 * behind it. True, too, where the table comes from the source, whose chunks look at that themselves.
 */
bool fork_may_complete(struct worker *w, struct task *t, size_t index, struct err *e) MUST_CHECK;
/* Once every row is copied: it stood still all the while, and is needed no more. */
bool job_leave_fork(struct worker *w, struct job *job, struct err *e);

/* ---- the first copy (job_copy.c) ---- */

/* One table, cut. */
struct table_cut {
    size_t index;   /* of the relation in the world */
    bool restarted; /* it was begun, and starts over */
    bool fresh;     /* the plan was made just now: none of its chunks can be there */
    struct heap_list heaps;
    struct target_heap *plans; /* one a heap */
    struct err locked; /* others have it locked on either side, so it could not be cut; ERR_NONE: it is cut */
};

/* Cuts tables into chunks, where the target has no plan of them. */
struct plan_task {
    struct task task;
    struct table_cut *tables; /* index given */
    size_t ntables;
    bool restart;    /* forget what is there: the source was rewritten */
    bool by_key;     /* ranges of keys, not of blocks */
    int64_t to_copy; /* bytes of these tables and of those that are copied behind them */
    int jobs;        /* workers that are wanted, and may still be joining */
    int64_t max_rate;
};
bool job_plan(struct worker *w, struct job *job, struct err *e);

/* Moves one chunk, or several small ones of different tables together. */
struct chunk_ref {
    const struct table_cut *table; /* borrowed from the copy plan */
    size_t heap, number;
    size_t place; /* the loop's: which of the table's chunks it is */
};
struct chunk_task {
    struct task task;
    struct chunk_ref *chunks;   /* given, each with its piece at the same index */
    struct chunk_piece *pieces; /* given: completes */
    size_t npieces;
    double speed;     /* given: bytes a second that all workers move; not positive: not known yet */
    int64_t written;  /* the logged write that the source must have; found: that of these chunks, 0: none */
    size_t rewritten; /* ok, but nothing was copied, since this one's heap is another file; npieces: none */
    bool put_back;    /* ok, but nothing was copied, as a piece's progress or a rate wanted: again later */
};
bool job_chunk(struct worker *w, struct job *job, struct err *e);

/* Marks a table as copied whose last chunks came at the same time. */
struct copied_task {
    struct task task;
    size_t index;
};
bool job_copied(struct worker *w, struct job *job, struct err *e);

/* ---- steps after the load (job_finish.c) ---- */

/* Plans a step; its units live in the arena, until the step is done. */
struct units_task {
    struct task task;
    units_fn plan;
    bool early; /* while tables are still copied */
    struct units units;
    struct strlist said;
};
bool job_units(struct worker *w, struct job *job, struct err *e);

struct unit_task {
    struct task task;
    const struct unit *unit; /* borrowed from the plan */
    const struct units *all;
    struct unit_share share;
    _Atomic int pid; /* of the server's process that is at it; 0: not known yet */
    uint64_t began_ms;
    bool waits;        /* the loop's: when the server was last asked, for somebody else's lock */
    struct hold *hold; /* the loop's: it did so twice in a row */
    struct strlist said;
};
bool job_unit(struct worker *w, struct job *job, struct err *e);

/* Marks the step on the target. */
struct step_task {
    struct task task;
    const char *step;
};
bool job_step_done(struct worker *w, struct job *job, struct err *e);

/* Asks the server how those at work get on, and for whom they wait. */
struct watch_task {
    struct task task;
    int *pids; /* of their sessions; given */
    size_t npids;
    struct lock_wait *waits; /* in the arena */
    size_t nwaits;
    struct unit_progress *progress; /* in the arena */
    size_t count;
};
bool job_watch(struct worker *w, struct job *job, struct err *e);
/* Asks the target what the sessions that copy wait for. */
struct waits_task {
    struct task task;
    int sessions, waiting; /* waiting: for rows */
};
bool job_waits(struct worker *w, struct job *job, struct err *e);
bool job_watched(struct worker *w, struct job *job,
                 struct err *e); /* nothing more to ask: its session ends */

/* ---- following (job_batch.c) ---- */

struct batch_task {
    struct task task;
    struct positions positions;
    int64_t batch;       /* the target's number before */
    int64_t written;     /* the logged write that the source must have; found: that of this batch */
    struct ids left_out; /* that this batch does not bring along */
    uint64_t request;    /* requests up to this one are fulfilled by it */
    double widened;      /* the limits of a batch are so many times those of the settings */
    bool establish;      /* move the position even where nothing is owed */
    bool follows;        /* what stands apart may catch up beside the others */
    bool others_come;    /* more workers will be here soon: a large batch waits for them */
    struct ids hot;      /* tables that owed something lately: the first look takes them without asking */
    struct awake awake;  /* the tables to look at; found: all, where another one woke */
    enum { SLEEP_AS_IT_IS, SLEEP_LULL, SLEEP_SETTLE } sleep;
    unsigned answer_ms; /* an answer of the look has to come within */
    struct ids keep;    /* SLEEP_LULL: awake */
    struct lull lull;   /* SLEEP_LULL: found; SLEEP_SETTLE: the one to settle */
    bool sequences;     /* compare them, too */
    bool asked;         /* with them, say whether one could not be read */
    bool as_streams;    /* no rows as values, however few */
    bool in_turn;       /* a table failed that may want to see another's rows */
    struct copy_progress progress;
    /* Found: */
    struct err unread; /* asked: why a sequence could not be read; ERR_NONE: all were */
    bool settled;      /* SLEEP_SETTLE: awake is who is awake since */
    bool woke;         /* a table that was not looked at */
    bool too_wide;     /* the rows did not fit into memory as values */
    enum { BATCH_IDLE, BATCH_APPLIED, BATCH_TOO_LARGE, BATCH_WANTS_OTHERS, BATCH_UNKNOWN_TABLE } outcome;
    enum bell bell; /* as the look found it, where nothing was owed */
    size_t dirty;   /* tables with delta rows, covered or not */
    struct owed_list owed;
    struct ids passes; /* BATCH_TOO_LARGE: what catches up in passes */
    bool beside;       /* BATCH_TOO_LARGE: the others go on meanwhile */
    double share;      /* of a batch, that was owed */
    size_t tables;
    int64_t upserted, deleted, bytes;
    double seconds;
    double waited_seconds; /* of them those that a network needs for as many round trips */
    uint64_t began_ms, sequences_took_us;
};
bool job_batch(struct worker *w, struct job *job, struct err *e);

/* The tables owe enough for more than one worker (job_fan.c). */
bool fan_is_worth(const struct task *t, const struct apply_table *tables, size_t n);
/* Cuts the large tables of a batch, or of a step with its range, into parts for several workers; snapshots are the tables'
 * positions. How many parts; less than two: one worker brings all. */
size_t fan_cut(const struct task *t, struct apply_table *tables, size_t n, const char *const *snapshots,
               const struct delta_range *range);
/* What the others need to read under the snapshot of the transaction that source is in. */
bool fan_open(const struct task *t, struct worker *w, struct conn *source, const struct apply_table *tables,
              size_t n, struct apply_fan *out, struct err *e) MUST_CHECK;

struct rotate_task {
    struct task task;
    struct positions positions;
    struct awake awake;
    int64_t number, batch; /* of the logged write behind the target's last batch, and of that batch */
    int64_t min_bytes;
    int truncated;
};
bool job_rotate(struct worker *w, struct job *job, struct err *e);

/* One step of a table's catch-up pass (job_catchup.c). */
struct catchup_task {
    struct task task;
    size_t index;
    const char *snapshot; /* the table's position */
    bool truncated;       /* found where it begins: a TRUNCATE is owed */
    int64_t written;      /* the logged write that the source must have; found: that of this step */
    /* The pass: given on, and moved forward. goal NULL: begins here. */
    const char *goal;
    char side;
    int64_t block, end_a, end_b;
    bool whole;     /* in one step: parts of it stand in each other's way */
    double widened; /* given: its rows may be so many times those of the settings */
    bool finished;
    struct copy_progress progress;
    int64_t upserted, deleted;
};
bool job_catchup(struct worker *w, struct job *job, struct err *e);

#endif
