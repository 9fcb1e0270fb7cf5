#include "queue.h"

#include <pthread.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, **last;
    int retiring;
    bool closed;
};

struct queue *queue_new(void)
{
    struct queue *q = xcalloc(1, sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    q->last = &q->first;
    return q;
}

void queue_free(struct queue *q)
{
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void queue_put(struct queue *q, struct job *job)
{
    pthread_mutex_lock(&q->lock);
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* With the lock held. */
static struct job *unlink_first(struct queue *q)
{
    struct job *job = q->first;
    if (job != NULL && (q->first = job->next) == NULL)
        q->last = &q->first;
    return job;
}

struct job *queue_take(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (q->first == NULL && !q->closed && q->retiring == 0)
        pthread_cond_wait(&q->filled, &q->lock);
    bool ends = q->closed || q->retiring > 0;
    if (q->retiring > 0)
        q->retiring--;
    struct job *job = ends ? NULL : unlink_first(q);
    pthread_mutex_unlock(&q->lock);
    return job;
}

struct job *queue_try(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct job *job = unlink_first(q);
    pthread_mutex_unlock(&q->lock);
    return job;
}

bool queue_withdraw(struct queue *q, struct job *job)
{
    pthread_mutex_lock(&q->lock);
    struct job **at = &q->first;
    while (*at != NULL && *at != job)
        at = &(*at)->next;
    bool there = *at != NULL;
    if (there && (*at = job->next) == NULL)
        q->last = at;
    pthread_mutex_unlock(&q->lock);
    return there;
}

void queue_retire(struct queue *q, int takers)
{
    pthread_mutex_lock(&q->lock);
    q->retiring += takers;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}
