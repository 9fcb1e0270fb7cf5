/* The copy as the loop sees it. */
#ifndef REPL_ENGINE_COPY_H
#define REPL_ENGINE_COPY_H

#include "held.h"

enum table_state {
    TABLE_WAITING, /* for its plan */
    TABLE_PLANNING,
    TABLE_COPYING,   /* chunks are given out */
    TABLE_REWRITTEN, /* on the source: once its chunks have ended, it is planned anew */
    TABLE_MARKING,
    TABLE_COPIED
};

struct planned_chunk {
    size_t heap, number;
    enum { CHUNK_WAITING, CHUNK_GIVEN, CHUNK_DONE } state;
};

struct running_chunk {
    struct chunk_piece *piece; /* the loop reads its progress, and asks through it to give up */
    int64_t bytes;             /* of the source's table */
};

struct table_plan {
    size_t index; /* of the relation in the world */
    enum table_state state;
    int64_t bytes;               /* of the relation, with TOAST */
    bool whole;                  /* cannot be cut */
    bool fork;                   /* its rows are read from the fork */
    const struct table_cut *cut; /* heaps and how they are cut; NULL until planned */
    struct planned_chunk *chunks;
    size_t nchunks, next; /* none waits before next */
    size_t left;          /* chunks that are not there */
    struct running_chunk *running;
    size_t nrunning;
    int64_t planned_bytes, bytes_done, rows, wire_bytes;
    uint64_t began_ms; /* its first chunk, of this engine; 0: none yet */
    struct eta *meter; /* while chunks run; else NULL */
    struct hold *hold; /* others have it locked: no work on it just now; NULL: nobody is known to */
};

/* ---- copy_plan.c ---- */
struct table_plan *copy_table(struct engine *g, size_t index);
const struct target_cut *copy_cut(const struct table_plan *p, size_t place);
/* All rows of the relation at that place in the world have come. */
bool copy_is_there(struct engine *g, size_t index);
bool copy_is_left_out(const struct engine *g, const struct table_plan *p);
/* No work on it just now: it is left out, or others have it locked. */
bool copy_rests(const struct engine *g, const struct table_plan *p);
/* Has the table at that place of the plan cut, and with it others that wait for it too. */
void copy_start_plan(struct engine *g, size_t at);

void copy_plan_free(struct copy_plan *p);

#endif
