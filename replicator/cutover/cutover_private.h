/* What the files of the cutover share. */
#ifndef REPL_CUTOVER_PRIVATE_H
#define REPL_CUTOVER_PRIVATE_H

#include "repl/back.h"
#include "repl/clock.h"
#include "repl/cutover.h"
#include "repl/fence.h"
#include "repl/sequences.h"
#include "repl/units.h"
#include "watch.h"

/* Views that were refreshed within so long before the fence are refreshed behind it, too. */
enum { QUICK_VIEWS_MS = 300 };
/* How long writers in flight are left to end by themselves with --terminate. */
enum { GRACE_MS = 1000 };

/* The fence is up so long when nobody renews its lease, by the source's clock. */
enum { LEASE_MS = 10000 };

struct cutover {
    const struct sync *s;
    const struct cutover_options *o;
    struct watch *watch; /* ends every wait of the connections below */
    struct conn *source, *target;
    struct conn *fence; /* on the source: the session that has the attempt */
    struct conn *there; /* on the target: opens the fence there when the changes turn around */
    struct lease *lease;
    struct capture capture;
    struct capture other; /* that of the other direction, on the target */
    struct cutover_now now;
    int64_t attempt; /* this command's; 0: it has not begun */
    int pid;         /* of the session that began it */
    struct arena *a;
    struct cutover_times times;
    const char *outlines[2];    /* what the tables of both sides looked like before the fence */
    struct sequences sequences; /* of the source, when the last writer in flight had ended */
    struct units views;         /* what refreshes the materialized views; planned before the fence */
    double views_s;             /* how long refreshing the views took before the fence */
    uint64_t fenced_ms;         /* when the fence came up; 0: it is not up */
};

/* One line for the operator. */
void cutover_say(const struct cutover *c, const char *fmt, ...) PRINTF(2, 3);
double cutover_seconds_since(uint64_t began_us);

/* cutover.c */
bool cutover_connect(const struct cutover *c, enum side side, const struct interrupt *i, struct conn **out,
                     struct err *e) MUST_CHECK;
/* Interrupted, or the fence has stood too long: then *e says so. */
bool cutover_time_is_up(const struct cutover *c, struct err *e);
unsigned cutover_time_left(const struct cutover *c);

/* cutover_written.c: what the target's tables are now, for cutover_count_written to compare with. */
bool cutover_mark(struct cutover *c, char **out, struct err *e) MUST_CHECK;

/* cutover_behind.c: from the fence to the check. */
bool cutover_behind_the_fence(struct cutover *c, struct err *e) MUST_CHECK;

/* cutover_tables.c: ERR_NOT_YET where a table is not captured whole, or the two sides do not agree on what it looks like; and
 * behind the fence, where anything was altered since. */
bool cutover_look_at_tables(struct cutover *c, struct err *e) MUST_CHECK;
bool cutover_tables_stand(struct cutover *c, struct err *e) MUST_CHECK;

/* cutover_before.c: copying what no trigger sees, and what is computed. */
bool cutover_copy_objects(struct cutover *c, struct err *e) MUST_CHECK;
bool cutover_refresh_views(struct cutover *c, struct err *e) MUST_CHECK;

/* cutover_writers.c: returns when every transaction that held a lock for writing at the call has ended. */
bool cutover_await_writers(struct cutover *c, struct err *e) MUST_CHECK;

#endif
