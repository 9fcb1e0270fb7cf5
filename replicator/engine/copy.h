/* The copy as the loop sees it. */
#ifndef REPL_ENGINE_COPY_H
#define REPL_ENGINE_COPY_H

#include "private.h"

enum table_state {
    TABLE_WAITING, /* for its plan */
    TABLE_PLANNING,
    TABLE_COPYING,   /* chunks are given out */
    TABLE_REWRITTEN, /* on the source: once its chunks have ended, it is planned anew */
    TABLE_MARKING,
    TABLE_COPIED
};

struct chunk_ref {
    size_t heap;
    int64_t number;
};

struct table_plan {
    size_t index; /* of the relation in the world */
    enum table_state state;
    int64_t bytes;          /* of the relation, with TOAST */
    struct plan_task *plan; /* heaps and how they are cut; kept while chunks refer to it */
    bool fresh;             /* the plan was just made: none of its chunks can be there */
    size_t heap;            /* the next chunk to give out */
    int64_t chunk;
    struct chunk_ref *back; /* given out, and put back */
    size_t nback;
    struct chunk_task **running;
    size_t nrunning;
    int64_t left; /* chunks that are not there */
    int64_t blocks, blocks_done, rows, wire_bytes;
    struct eta *meter; /* while chunks run; else NULL */
};

struct table_plan *copy_table(struct engine *g, size_t index);
int64_t copy_chunks(const struct target_heap *h);
int64_t copy_chunk_blocks(const struct target_heap *h, int64_t number);
void copy_plan_free(struct copy_plan *p);

#endif
