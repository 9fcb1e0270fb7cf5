#include <stdlib.h>

#include "jobs.h"
#include "repl/clock.h"

void *task_new(size_t size, bool (*run)(struct worker *, struct job *, struct err *),
               void (*done)(struct engine *, struct task *))
{
    struct task *t = xcalloc(1, size);
    t->mem = arena_new();
    t->made_ms = clock_ms();
    t->job.run = run;
    t->done = done;
    return t;
}

void task_free(struct task *t)
{
    arena_free(t->mem);
    free(t);
}

void world_free(struct world *w)
{
    if (w != NULL)
        arena_free(w->mem); /* which holds the world itself */
}
