/*
 * Workers: each a thread with its own two connections and arena. What they share is the mailbox of queue.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"
#include "repl/flow.h"

struct worker {
    pthread_t thread;
    struct pool *pool;
    struct conn *source, *target;
    struct arena *arena;
    struct stages *stages;
};

struct pool {
    struct pool_options options;
    struct queue *jobs;    /* loop -> workers */
    struct queue *results; /* workers -> loop */
    struct interrupt *interrupt;
    struct worker *workers;
    bool stopped;
};

/* ---- inside a job ---- */

static bool usable(struct conn **c)
{
    if (*c != NULL && !conn_usable(*c)) {
        conn_close(*c);
        *c = NULL;
    }
    return *c != NULL;
}

bool worker_source(struct worker *w, struct conn **out, struct err *e)
{
    const struct pool_options *o = &w->pool->options;
    if (!usable(&w->source) && !conn_open(o->source_spec, &o->source, &w->source, e))
        return false;
    *out = w->source;
    return true;
}

/* Before the sync id is known a session only reads. */
static bool open_target(const struct pool_options *o, struct conn **out, struct err *e)
{
    if (!conn_open(o->target_spec, &o->target, out, e))
        return false;
    if (o->target.origin == NULL || lock_worker(*out, o->target.origin, e))
        return true;
    conn_close(*out);
    *out = NULL;
    return false;
}

bool worker_target(struct worker *w, struct conn **out, struct err *e)
{
    const struct pool_options *o = &w->pool->options;
    if (!usable(&w->target)) {
        stages_free(w->stages);
        w->stages = stages_new();
        if (!open_target(o, &w->target, e))
            return false;
    }
    *out = w->target;
    return true;
}

void worker_disconnect(struct worker *w)
{
    conn_close(w->source);
    conn_close(w->target);
    w->source = w->target = NULL;
}

struct arena *worker_arena(struct worker *w)
{
    return w->arena;
}

struct stages *worker_stages(struct worker *w)
{
    return w->stages;
}

/* ---- the thread ---- */

static void run_job(struct worker *w, struct job *job)
{
    arena_reset(w->arena);
    err_clear(&job->err);
    job->ok = job->run(w, job, &job->err);
    if (!job->ok) {
        /* What a failed job left open is rolled back, or the connection is dropped. */
        if (w->source != NULL)
            pg_reset(w->source);
        if (w->target != NULL)
            pg_reset(w->target);
        usable(&w->source);
        usable(&w->target);
    }
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    for (struct job *job = queue_take(p->jobs); job != NULL; job = queue_take(p->jobs)) {
        run_job(w, job);
        queue_put(p->results, job);
        p->options.wake(p->options.arg);
    }
    worker_disconnect(w);
    return NULL;
}

/* ---- the pool ---- */

static struct conn_options copy_options(const struct conn_options *from, const struct interrupt *interrupt)
{
    struct conn_options o = *from;
    o.purpose = xstrdup(from->purpose);
    o.origin = from->origin != NULL ? xstrdup(from->origin) : NULL;
    o.encoding = from->encoding != NULL ? xstrdup(from->encoding) : NULL;
    o.interrupt = interrupt;
    return o;
}

static void free_text(const char *s)
{
    char *mine;
    memcpy(&mine, &s, sizeof mine); /* copied above, handed out as const */
    free(mine);
}

static void free_options(struct conn_options *o)
{
    free_text(o->purpose);
    free_text(o->origin);
    free_text(o->encoding);
}

struct pool *pool_start(const struct pool_options *o)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->interrupt = interrupt_new();
    p->options = *o;
    p->options.source_spec = xstrdup(o->source_spec);
    p->options.target_spec = xstrdup(o->target_spec);
    p->options.source = copy_options(&o->source, p->interrupt);
    p->options.target = copy_options(&o->target, p->interrupt);
    p->jobs = queue_new();
    p->results = queue_new();
    p->workers = xcalloc((size_t)o->workers, sizeof *p->workers);
    for (int i = 0; i < o->workers; i++) {
        struct worker *w = &p->workers[i];
        w->pool = p;
        w->arena = arena_new();
        if (pthread_create(&w->thread, NULL, thread_main, w) != 0)
            abort(); /* no threads at start: nothing can be done at all */
    }
    return p;
}

void pool_submit(struct pool *p, struct job *job)
{
    queue_put(p->jobs, job);
}

struct job *pool_take(struct pool *p)
{
    return queue_try(p->results);
}

void pool_stop(struct pool *p, enum interrupt_level level)
{
    if (p->stopped)
        return;
    interrupt_raise(p->interrupt, level);
    queue_close(p->jobs);
    for (int i = 0; i < p->options.workers; i++)
        pthread_join(p->workers[i].thread, NULL);
    p->stopped = true;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pool_stop(p, INTERRUPT_NOW);
    for (int i = 0; i < p->options.workers; i++) {
        arena_free(p->workers[i].arena);
        stages_free(p->workers[i].stages);
    }
    free(p->workers);
    queue_free(p->jobs);
    queue_free(p->results);
    free_options(&p->options.source);
    free_options(&p->options.target);
    free_text(p->options.source_spec);
    free_text(p->options.target_spec);
    interrupt_free(p->interrupt);
    free(p);
}

void pool_set_origin(struct pool *p, const char *origin)
{
    free_text(p->options.source.origin);
    free_text(p->options.target.origin);
    p->options.source.origin = xstrdup(origin);
    p->options.target.origin = xstrdup(origin);
}

struct interrupt *pool_interrupt(struct pool *p)
{
    return p->interrupt;
}
