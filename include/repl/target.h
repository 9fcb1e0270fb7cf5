/* repl's tables on the target: what was applied, what is copied, and how far. They are the truth; all else is told from
 * them. */
#ifndef REPL_TARGET_H
#define REPL_TARGET_H

#include "repl/pg.h"
#include "repl/rel.h"
#include "repl/str.h"

/* Where the rows of a table's first copy come from. */
enum origin {
    ORIGIN_SOURCE,
    ORIGIN_FORK, /* a copy of the source, made after its capture was installed */
    ORIGIN_SEED  /* they came with the target itself, which was restored from such a copy */
};

struct target_relation {
    int id;
    enum origin origin;
    const char *schema, *name; /* as they were when it joined */
    uint32_t oid;              /* of the table here; 0: not known yet */
    bool copied;               /* every chunk is there */
    const char *snapshot;      /* own position; NULL: stands with the sync */
    const char *goal;          /* a catch-up pass goes on towards this snapshot; NULL: none */
    char side;                 /* how far the pass has come */
    int64_t block;
    bool afresh;   /* to be emptied, and copied anew */
    int64_t doubt; /* since which nobody has compared it, see struct target_state; 0: none */
};

struct target_cut { /* where a chunk begins; it ends where the next one does */
    int64_t block;
    const char *key; /* of heaps that are cut by key; NULL: at the first */
    int64_t bytes;   /* what there is to read, about */
};

struct target_heap { /* how one heap of a relation was cut */
    int relation;
    uint32_t heap; /* oid on the source */
    uint32_t filenode;
    int64_t blocks;
    int64_t bytes;
    const char *range_key; /* what its ranges are made of, see catalog_range_key; NULL: of blocks */
    struct target_cut *cuts;
    size_t ncuts;
};

struct target_chunk {
    int relation;
    uint32_t heap;
    int64_t chunk;
    int64_t rows, bytes;
};

/* Which logged write on the source was behind what the target has: how the source proves its history (repl/history.h). */
struct target_mark {
    char target[40];         /* the target's own id */
    int64_t epoch;           /* 0: no engine has ever connected */
    int64_t number;          /* the last that is known of */
    int64_t batch, of_batch; /* the last batch, and the number of its write */
    int64_t lsn;             /* of the last batch's write in the source's WAL; 0: not known */
    const char *snapshot;    /* the position, "" where it says nothing */
    struct server_identity source;
};

struct target_state {
    bool exists;
    char sync_id[40];
    char target_id[40];     /* its own, see struct installation */
    int64_t batch;          /* number of the last batch that was committed */
    const char *snapshot;   /* the sync's position, "" before the first batch */
    const char *applied_at; /* when it was committed, ISO 8601, "" before the first */
    struct target_mark mark;
    struct server_identity source;
    /* The last time that source and target were found to be of different histories, where a table was not compared since:
     * when, ISO 8601, and how; "" where none is in doubt. */
    const char *doubt_at, *doubt_reason;
    struct target_relation *relations;
    size_t nrelations;
    struct target_heap *heaps;
    size_t nheaps;
    struct target_chunk *chunks; /* that are done */
    size_t nchunks;
    struct strlist steps; /* names of the steps that are done: schema, indexes, ... */
};

/* Where one table of the target stands, and by which history of the source. */
struct target_standing {
    bool known;           /* the table is in the sync */
    bool copied;          /* its first copy is there */
    const char *snapshot; /* "": everything in its deltas is owed */
    struct target_mark mark;
};
/* To be asked in the transaction that reads the table's rows. */
bool target_stands(struct conn *db, const char *schema, int id, struct arena *a, struct target_standing *out,
                   struct err *e) MUST_CHECK;

/* Creates the schema and its tables unless they are there. One transaction. */
bool target_install(struct conn *db, const char *schema, const char *sync_id, const char *target_id,
                    struct err *e) MUST_CHECK;
bool target_read(struct conn *db, const char *schema, struct arena *a, struct target_state *out,
                 struct err *e) MUST_CHECK;
/* Adds relations (id, schema, name) that are not there, as not copied, everything owed. */
bool target_add_relations(struct conn *db, const char *schema, const struct relations *l,
                          struct err *e) MUST_CHECK;
/* Where the rows of its copy come from; another origin than it had empties the table where its copy was begun. */
bool target_set_origin(struct conn *db, const char *schema, const struct target_state *state,
                       const struct relation *r, enum origin origin, struct err *e) MUST_CHECK;
/* Puts repl's tables in the place of a schema of that name that was restored with the rows, in one transaction: the
 * relations of l are there as the state at the moment of the copy, of this history of the source. */
bool target_seed(struct conn *db, const char *schema, const char *sync_id, const char *target_id,
                 const struct relations *l, const struct server_identity *source, struct err *e) MUST_CHECK;
const struct target_relation *target_relation_by_id(const struct target_state *s, int id); /* or NULL */
bool target_has_step(const struct target_state *s, const char *step);
/* The target shows one snapshot: what is not copied comes in beside it. */
bool target_follows(const struct target_state *s);
/* Tables were copied from a fork that nobody has looked at since: whether it stood still is to be seen. */
bool target_needs_fork(const struct target_state *s);
/* The step that ends the need of a fork: it was seen to have stood still. */
#define STEP_FORK "fork"
bool target_step_undone(struct conn *db, const char *schema, const char *step, struct err *e) MUST_CHECK;
/* The relation leaves the sync; its rows stay. */
bool target_forget(struct conn *db, const char *schema, int id, struct err *e) MUST_CHECK;
/* An engine has begun that epoch on the source, whose history was proven. */
bool target_begin_epoch(struct conn *db, const char *schema, int64_t epoch,
                        const struct server_identity *source, struct err *e) MUST_CHECK;
/* It was not: everything in the deltas is to be brought again, and tables are in doubt from here on. batch: that was read;
 * applied: that the source relied on; number: the first of the new epoch. ERR_CONFLICT where the target has moved since. */
bool target_doubts(struct conn *db, const char *schema, int64_t batch, int64_t applied, int64_t epoch,
                   int64_t number, const struct server_identity *source, const char *reason,
                   struct err *e) MUST_CHECK;
/* The table was compared since that doubt, and is equal. */
bool target_doubt_settled(struct conn *db, const char *schema, int id, int64_t doubt,
                          struct err *e) MUST_CHECK;
/* How many tables are in doubt, then and now. */
size_t target_in_doubt(const struct target_state *s);
bool target_count_doubts(struct conn *db, const char *schema, size_t *tables, struct err *e) MUST_CHECK;
/* Records how heaps are cut, and which relations have nothing to copy. One transaction. */
bool target_plan(struct conn *db, const char *schema, const struct target_heap *heaps, size_t n,
                 const int *empty, size_t nempty, struct err *e) MUST_CHECK;
/* Empties the table and forgets its plan and chunks, in one transaction: its copy starts over. */
bool target_restart_copy(struct conn *db, const char *schema, const struct relation *r,
                         struct err *e) MUST_CHECK;
/* The tables of the target get the numbers of those that they are known to be, whatever their names are now. */
void target_assign_ids(const struct target_state *s, struct relations *targets);
/* Notes which table of the target a relation is. */
bool target_know(struct conn *db, const char *schema, const struct relation *targets, size_t n,
                 struct err *e) MUST_CHECK;
/* The table is to be copied anew; what is there of it stays until target_restart_copy. number: of a logged write, which a
 * capture_rely of it makes the target's from here on. */
bool target_begin_afresh(struct conn *db, const char *schema, int id, int64_t number,
                         struct err *e) MUST_CHECK;
bool target_copied(struct conn *db, const char *schema, int id, struct err *e) MUST_CHECK;
bool target_step_done(struct conn *db, const char *schema, const char *step, struct err *e) MUST_CHECK;
/* Drops the stages of large batches that an engine before this one left. No worker of one may be at work any more. */
bool target_drop_stages(struct conn *db, const char *schema, struct err *e) MUST_CHECK;
bool target_remove(struct conn *db, const char *schema, struct err *e) MUST_CHECK;

#endif
