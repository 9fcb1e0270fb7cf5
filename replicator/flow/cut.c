/* How large the next chunk is. */
#include "repl/flow.h"

/*
 * A worker that begins the last chunk makes the others wait for it. So a chunk is a fraction of what each worker still
 * has before it: large ones first, for few round trips, and toward the end ever smaller ones, down to min, which is all
 * that the others can wait for. With a third of a worker's rest even one that is half as fast as the others ends its
 * chunk before they have emptied the rest.
 */
enum { CHUNKS_PER_JOB = 3 };

int64_t cut_next(struct cutter *c, int64_t heap_left)
{
    int64_t want = c->left / ((int64_t)(c->jobs > 0 ? c->jobs : 1) * CHUNKS_PER_JOB);
    if (want < c->min)
        want = c->min;
    if (want > c->max)
        want = c->max;
    /* Evenly, so that no splinter is left at the end of a heap. */
    int64_t chunks = (heap_left + want - 1) / want;
    int64_t bytes = chunks > 0 ? (heap_left + chunks - 1) / chunks : 0;
    c->left -= bytes;
    return bytes;
}
