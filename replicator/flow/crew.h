/* How a crew reaches the other workers of its pool. */
#ifndef REPL_FLOW_CREW_H
#define REPL_FLOW_CREW_H

#include "queue.h"

/* Where the jobs of the worker's pool wait. */
struct queue *worker_mailbox(struct worker *w);

#endif
