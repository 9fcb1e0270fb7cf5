/* A mailbox of jobs: the only memory that threads share. First in, first out. */
#ifndef REPL_FLOW_QUEUE_H
#define REPL_FLOW_QUEUE_H

#include "repl/flow.h"

struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *q);
/* Takes the job until it is taken out. Never blocks longer than the lock is held. */
void queue_put(struct queue *q, struct job *job);
/* Blocks until there is a job; NULL once the queue is closed, whatever is left in it. */
struct job *queue_take(struct queue *q);
/* The next job or NULL. */
struct job *queue_try(struct queue *q);
/* Takes the job back unless somebody has it already: says whether it was still there. */
bool queue_withdraw(struct queue *q, struct job *job);
/* So many queue_take return NULL, before any further job: who waits at once, the others when they come. */
void queue_retire(struct queue *q, int takers);
/* Wakes everybody who waits in queue_take. */
void queue_close(struct queue *q);

#endif
