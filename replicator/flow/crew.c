/*
 * A crew: one worker's job, shared with workers that have nothing else to do. The helpers are jobs in the pool's mailbox
 * like others; whoever is free takes one, and then item after item. The worker whose job it is takes items too. When none
 * is left it withdraws the helpers that nobody took and waits for the others, so the crew's memory is its own.
 */
#include "crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "repl/log.h"

struct crew;

struct helper {
    struct job job; /* first: the pool hands it over */
    struct crew *crew;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t gone;
    const struct crew_work *work;
    size_t next; /* item that nobody has taken */
    size_t left; /* helpers that have gone */
    bool failed;
    struct err err; /* of the first item that failed */
};

/* The next item, unless there is none or one has failed. */
static bool take(struct crew *c, size_t *item)
{
    pthread_mutex_lock(&c->lock);
    bool there = !c->failed && c->next < c->work->nitems;
    if (there)
        *item = c->next++;
    pthread_mutex_unlock(&c->lock);
    return there;
}

static void fail(struct crew *c, const struct err *e)
{
    pthread_mutex_lock(&c->lock);
    if (!c->failed)
        c->err = *e;
    c->failed = true;
    pthread_mutex_unlock(&c->lock);
}

/* False when an item of this worker has failed. */
static bool run_items(struct crew *c, struct worker *w, struct err *e)
{
    size_t item;
    while (take(c, &item))
        if (!c->work->run(w, c->work->arg, item, e)) {
            fail(c, e);
            return false;
        }
    return true;
}

static bool anything_left(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    bool left = !c->failed && c->next < c->work->nitems;
    pthread_mutex_unlock(&c->lock);
    return left;
}

static bool run_helper(struct worker *w, struct job *job, struct err *e)
{
    struct crew *c = ((struct helper *)job)->crew;
    if (!anything_left(c))
        return true;
    if (!c->work->join(w, c->work->arg, e)) {
        log_err(LOG_INFO, e);
        return false;
    }
    if (!run_items(c, w, e))
        return false;
    if (c->work->leave(w, c->work->arg, e))
        return true;
    fail(c, e);
    return false;
}

static void helper_gone(struct job *job)
{
    struct crew *c = ((struct helper *)job)->crew;
    pthread_mutex_lock(&c->lock);
    c->left++;
    pthread_cond_signal(&c->gone);
    pthread_mutex_unlock(&c->lock);
}

static struct helper *call(struct crew *c, struct worker *w, size_t n)
{
    struct helper *helpers = xcalloc(n + 1, sizeof *helpers);
    for (size_t i = 0; i < n; i++) {
        helpers[i] = (struct helper){.job = {.run = run_helper, .ended = helper_gone}, .crew = c};
        queue_put(worker_mailbox(w), &helpers[i].job);
    }
    return helpers;
}

/* Nobody is at it any more. */
static void dismiss(struct crew *c, struct worker *w, struct helper *helpers, size_t n)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++)
        taken += !queue_withdraw(worker_mailbox(w), &helpers[i].job);
    pthread_mutex_lock(&c->lock);
    while (c->left < taken)
        pthread_cond_wait(&c->gone, &c->lock);
    pthread_mutex_unlock(&c->lock);
    free(helpers);
}

bool worker_share(struct worker *w, const struct crew_work *work, size_t helpers, struct err *e)
{
    struct crew c = {.work = work};
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.gone, NULL);
    struct helper *all = call(&c, w, helpers);
    bool ok = run_items(&c, w, e);
    dismiss(&c, w, all, helpers);
    if (ok && c.failed) {
        *e = c.err;
        ok = false;
    }
    pthread_cond_destroy(&c.gone);
    pthread_mutex_destroy(&c.lock);
    return ok;
}
