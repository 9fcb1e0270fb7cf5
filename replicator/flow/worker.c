/*
 * Workers: each a thread with its own two connections and arena. What they share is the mailbox of queue.h.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "repl/clock.h"
#include "repl/fault.h"
#include "repl/flow.h"

struct worker {
    pthread_t thread;
    struct pool *pool;
    struct conn *source, *target, *fork;
    struct arena *arena;
    struct stages *stages;
    struct job *first; /* run before the mailbox is looked at; NULL: none */
    atomic_bool ended; /* the thread can be joined without waiting */
    struct worker *next;
};

struct pool {
    struct pool_options options;
    struct queue *jobs;    /* loop -> workers */
    struct queue *results; /* workers -> loop */
    struct interrupt *interrupt;
    _Atomic uint64_t doubted_ms; /* when a worker last lost a connection */
    struct worker *workers; /* the loop thread's list; those that ended stay in it until the next comes */
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

bool worker_fork(struct worker *w, struct conn **out, struct err *e)
{
    const struct pool_options *o = &w->pool->options;
    if (o->fork_spec == NULL)
        return err_set(e, ERR_CONFIG, "no fork is known to this engine");
    if (!usable(&w->fork) && !conn_open(o->fork_spec, &o->fork, &w->fork, e))
        return false;
    *out = w->fork;
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
    conn_close(w->fork);
    w->source = w->target = w->fork = NULL;
}

struct arena *worker_arena(struct worker *w)
{
    return w->arena;
}

struct stages *worker_stages(struct worker *w)
{
    return w->stages;
}

struct queue *worker_mailbox(struct worker *w)
{
    return w->pool->jobs;
}

/* ---- the thread ---- */

/*
 * What a job failed at was rolled back since, and the server is asked for what the error does not say: for whom a session
 * waited in vain, and of which table a partition is.
 */
static void explain(struct worker *w, struct err *e)
{
    struct err ignored;
    struct conn *c = NULL;
    bool waited = err_is(e, "55P03"), shortage = err_is(e, "53200");
    if (!waited && !shortage && (e->kind != ERR_SQL || e->relation != 0 || e->table[0] == '\0'))
        return;
    if (!(strcmp(e->side, side_name(SIDE_TARGET)) == 0 ? worker_target(w, &c, &ignored)
          : strcmp(e->side, side_name(SIDE_FORK)) == 0 ? worker_fork(w, &c, &ignored)
                                                       : worker_source(w, &c, &ignored)))
        return;
    if (waited)
        catalog_blame(c, e);
    else if (shortage)
        catalog_name_shortage(c, e);
    else
        catalog_name_root(c, e);
}

/* Whether a session that did nothing for a while still has a server behind it. One that was silent for long, or since some
 * worker lost a connection, is asked: what is between may have forgotten it, which nobody would be told. */
static bool answers(const struct worker *w, struct conn *c)
{
    struct err ignored; /* another is opened */
    const uint64_t heard = conn_heard_ms(c), doubted = atomic_load(&w->pool->doubted_ms);
    const unsigned patience = pg_patience_ms();
    if (!conn_stands(c))
        return false;
    if (heard > doubted && clock_ms() - heard < patience / 2)
        return true;
    return conn_ping(c, patience / 3, &ignored);
}

static void run_job(struct worker *w, struct job *job)
{
    struct conn **const all[] = {&w->source, &w->target, &w->fork};
    const size_t n = sizeof all / sizeof *all;
    /* What a server ended between two jobs is opened again, and no error: else each worker in its turn would have one,
     * long after the others went on. */
    for (size_t i = 0; i < n; i++)
        if (*all[i] != NULL && !answers(w, *all[i]))
            usable(all[i]);
    arena_reset(w->arena);
    err_clear(&job->err);
    job->ok = job->run(w, job, &job->err);
    pg_step(NULL, NULL);
    for (size_t i = 0; i < n; i++)
        if (*all[i] != NULL)
            conn_bound(*all[i], 0);
    if (!job->ok && job->err.kind == ERR_CONN)
        atomic_store(&w->pool->doubted_ms, clock_ms());
    /* What a failed job left open is rolled back, or the connection is dropped. */
    for (size_t i = 0; i < n && !job->ok; i++) {
        if (*all[i] != NULL)
            pg_reset(*all[i]);
        usable(all[i]);
    }
    if (!job->ok)
        explain(w, &job->err);
}

/* Returns whether it went well; afterwards the job is the loop's. */
static bool run_and_post(struct worker *w, struct job *job)
{
    run_job(w, job);
    bool ok = job->ok;
    if (job->ended != NULL) {
        job->ended(job);
        return ok;
    }
    queue_put(w->pool->results, job);
    fault_point("pool.posted"); /* the loop may have the result already */
    w->pool->options.wake(w->pool->options.arg);
    return ok;
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    if (w->first == NULL || run_and_post(w, w->first))
        for (struct job *job = queue_take(p->jobs); job != NULL; job = queue_take(p->jobs))
            run_and_post(w, job);
    worker_disconnect(w);
    atomic_store(&w->ended, true);
    return NULL;
}

/* ---- the pool ---- */

static struct conn_options copy_options(const struct conn_options *from, const struct interrupt *interrupt)
{
    struct conn_options o = *from;
    o.purpose = from->purpose != NULL ? xstrdup(from->purpose) : NULL;
    o.origin = from->origin != NULL ? xstrdup(from->origin) : NULL;
    o.encoding = from->encoding != NULL ? xstrdup(from->encoding) : NULL;
    o.search_path = from->search_path != NULL ? xstrdup(from->search_path) : NULL;
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
    free_text(o->search_path);
}

static void add_worker(struct pool *p, struct job *first)
{
    struct worker *w = xcalloc(1, sizeof *w);
    w->pool = p;
    w->arena = arena_new();
    w->first = first;
    w->next = p->workers;
    p->workers = w;
    if (pthread_create(&w->thread, NULL, thread_main, w) != 0)
        abort(); /* as when memory is out */
}

static void drop_worker(struct worker **place)
{
    struct worker *w = *place;
    *place = w->next;
    pthread_join(w->thread, NULL);
    arena_free(w->arena);
    stages_free(w->stages);
    free(w);
}

struct pool *pool_start(const struct pool_options *o)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->interrupt = interrupt_new();
    p->options = *o;
    p->options.source_spec = xstrdup(o->source_spec);
    p->options.target_spec = xstrdup(o->target_spec);
    p->options.fork_spec = o->fork_spec != NULL ? xstrdup(o->fork_spec) : NULL;
    p->options.fork = copy_options(&o->fork, p->interrupt);
    p->options.source = copy_options(&o->source, p->interrupt);
    p->options.target = copy_options(&o->target, p->interrupt);
    p->jobs = queue_new();
    p->results = queue_new();
    for (int i = 0; i < o->workers; i++)
        add_worker(p, NULL);
    return p;
}

void pool_grow(struct pool *p, struct job *first)
{
    for (struct worker **w = &p->workers; *w != NULL;)
        if (atomic_load(&(*w)->ended))
            drop_worker(w);
        else
            w = &(*w)->next;
    add_worker(p, first);
}

void pool_shrink(struct pool *p, int workers)
{
    queue_retire(p->jobs, workers);
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
    while (p->workers != NULL)
        drop_worker(&p->workers);
    p->stopped = true;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pool_stop(p, INTERRUPT_NOW);
    queue_free(p->jobs);
    queue_free(p->results);
    free_options(&p->options.source);
    free_options(&p->options.target);
    free_options(&p->options.fork);
    free_text(p->options.source_spec);
    free_text(p->options.target_spec);
    free_text(p->options.fork_spec);
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
