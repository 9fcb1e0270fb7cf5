/*
 * --max-rate. Bytes are paid for after they were read: every worker takes a ticket from one bucket and reads on when
 * what the rate has granted since has reached it. Tickets are counted in bytes and not in time, so a rate that
 * changes holds for those who wait already.
 */
#include <pthread.h>
#include <stdlib.h>

#include "repl/clock.h"
#include "repl/flow.h"

enum {
    BURST_MS = 50,       /* of the rate may be saved up while nobody reads */
    LOOK_MS = 100,       /* whoever waits looks whether the rate has changed */
    PIECES_A_SECOND = 32 /* a reader takes no more at once than this part of a second's bytes */
};

/* ---- the bucket: pure ---- */

static void grant(struct bucket *b, uint64_t now_us)
{
    double most = b->taken + b->rate * BURST_MS / 1e3;
    if (b->rate > 0 && now_us > b->at_us)
        b->granted += b->rate * (double)(now_us - b->at_us) / 1e6;
    if (b->rate <= 0)
        b->granted = b->taken;
    else if (b->granted > most)
        b->granted = most;
    b->at_us = now_us;
}

void bucket_set(struct bucket *b, int64_t bytes_per_second, uint64_t now_us)
{
    grant(b, now_us);
    b->rate = (double)bytes_per_second;
}

double bucket_take(struct bucket *b, uint64_t bytes, uint64_t now_us)
{
    grant(b, now_us);
    b->taken += (double)bytes;
    return b->taken;
}

uint64_t bucket_wait_us(struct bucket *b, double ticket, uint64_t now_us)
{
    grant(b, now_us);
    return b->rate <= 0 || b->granted >= ticket ? 0 : (uint64_t)((ticket - b->granted) / b->rate * 1e6) + 1;
}

/* ---- shared by the workers ---- */

struct throttle {
    pthread_mutex_t lock;
    struct bucket bucket;
    _Atomic int64_t limit; /* the bucket's rate, to be looked at without the lock */
};

struct throttle *throttle_new(int64_t bytes_per_second)
{
    struct throttle *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    throttle_set(t, bytes_per_second);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void throttle_set(struct throttle *t, int64_t bytes_per_second)
{
    pthread_mutex_lock(&t->lock);
    bucket_set(&t->bucket, bytes_per_second, clock_us());
    pthread_mutex_unlock(&t->lock);
    atomic_store(&t->limit, bytes_per_second);
}

int64_t throttle_limit(const struct throttle *t)
{
    return t != NULL ? atomic_load(&t->limit) : 0;
}

size_t throttle_piece(const struct throttle *t, size_t most)
{
    enum { LEAST = 4096 };
    int64_t limit = throttle_limit(t);
    if (limit == 0 || limit / PIECES_A_SECOND >= (int64_t)most)
        return most;
    return limit / PIECES_A_SECOND > LEAST ? (size_t)(limit / PIECES_A_SECOND) : LEAST;
}

static uint64_t wait_us(struct throttle *t, double ticket)
{
    pthread_mutex_lock(&t->lock);
    uint64_t us = bucket_wait_us(&t->bucket, ticket, clock_us());
    pthread_mutex_unlock(&t->lock);
    return us;
}

bool throttle_pay(struct throttle *t, struct conn *c, uint64_t bytes, struct err *e)
{
    if (throttle_limit(t) == 0)
        return true;
    pthread_mutex_lock(&t->lock);
    double ticket = bucket_take(&t->bucket, bytes, clock_us());
    pthread_mutex_unlock(&t->lock);
    for (uint64_t us = wait_us(t, ticket); us != 0; us = wait_us(t, ticket))
        if (!conn_rest(c, us / 1000 < LOOK_MS ? (unsigned)(us / 1000) + 1 : LOOK_MS, e))
            return false;
    return true;
}
