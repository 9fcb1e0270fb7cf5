/* What ends a wait of the cutover, and what keeps the fence's lease. */
#ifndef REPL_CUTOVER_WATCH_H
#define REPL_CUTOVER_WATCH_H

#include "repl/fence.h"
#include "repl/sync.h"

enum watch_end {
    WATCH_GOES_ON,
    WATCH_INTERRUPTED,
    WATCH_TIME_IS_UP,
    WATCH_LEASE_IS_OVER,
    WATCH_FENCE_IS_GONE
};

struct watch;

/* user: whose interrupt it heeds, NULL: nobody's. ms: 0: no deadline. */
struct watch *watch_new(const struct interrupt *user, unsigned ms);
void watch_free(
    struct watch *w); /* NULL is fine; the connections with its interrupt must be closed by then */
/* From now on. */
void watch_deadline(struct watch *w, unsigned ms);
/* For connections and requests; raised when one of the ends has come. */
const struct interrupt *watch_interrupt(const struct watch *w);
enum watch_end watch_why(const struct watch *w);

/* The lease of a fence; connected before the fence comes up. NULL: *e says why. */
struct lease;
struct lease *lease_new(struct watch *w, const struct sync *s, const struct capture *capture, unsigned ms,
                        struct err *e) MUST_CHECK;
/* Behind the begin of that attempt, which was asked for at that clock_ms: renews it until lease_end. */
void lease_start(struct lease *l, int64_t attempt, uint64_t asked);
void lease_end(struct lease *l); /* NULL is fine */

#endif
