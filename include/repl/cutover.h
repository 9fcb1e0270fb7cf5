/*
 * Cutover: the hour in which the application changes servers. cutover_prepare can take its time and changes nothing
 * that matters; cutover_switch is what the application waits for.
 */
#ifndef REPL_CUTOVER_H
#define REPL_CUTOVER_H

#include "repl/check.h"
#include "repl/interrupt.h"
#include "repl/status.h"
#include "repl/sync.h"

struct cutover_options {
    bool lift_only;      /* for cutover_lift alone: the target need not be there */
    bool terminate;      /* end the sessions of writers in flight */
    bool large_objects;  /* copy them */
    bool turns;          /* the changes turn around: --fallback, or the way back */
    unsigned timeout_ms; /* the fence is lifted when it has stood so long and the work is not done */
    const struct interrupt *interrupt;
    /* The engine: everything committed on the source before the call is on the target when it returns. ERR_NOT_YET
     * after timeout_ms. */
    bool (*kick)(void *arg, unsigned timeout_ms, struct err *e);
    /* The engine is told that the fence is up, or lifted; best effort. May be NULL. */
    void (*fenced)(void *arg, bool up);
    say_fn say;
    void *arg; /* of all three */
};

/* Seconds, in the order of the steps. */
struct cutover_times {
    double kick;    /* how long a sync took before the fence */
    double fence;   /* putting it up (in a dry run: in a transaction that was rolled back) */
    double writers; /* until the last writer in flight had ended */
    double drain, sequences, large_objects, matviews, check;
    double turn;   /* until the other side took writes, where the changes turn around */
    double paused; /* from the fence to the end of the check; in a dry run: what is expected */
};

struct cutover; /* the sessions of one cutover */

/* Connects to both sides. */
bool cutover_open(const struct sync *s, const struct cutover_options *o, struct cutover **out,
                  struct err *e) MUST_CHECK;
void cutover_close(struct cutover *c); /* NULL is fine */
const struct cutover_times *cutover_times(const struct cutover *c);

/* What is known of the tables that st names: when they were compared, and what was found. Old, partial or no knowledge is a
 * warning; rows that differ are a blocker. */
bool cutover_verified(struct state *state, const struct status *st, double now, struct arena *a,
                      struct finding *out, struct err *e) MUST_CHECK;

/* Names what is not replicated and who writes for long, copies large objects, refreshes materialized views, syncs
 * once. Nothing of it is visible to the application. */
bool cutover_prepare(struct cutover *c, struct err *e) MUST_CHECK;

/* With turns: what the way back needs on both sides, or only a look at it. */
bool cutover_prepare_turn(struct cutover *c, bool look_only, struct err *e) MUST_CHECK;

/* Takes the way back away again, with --abort before the switch. The changes go forward, and the fence is lifted. */
bool cutover_forget_turn(struct cutover *c, struct err *e) MUST_CHECK;

/* What cutover_switch would take: puts the fence up in a transaction that is rolled back, and measures the rest. */
bool cutover_rehearse(struct cutover *c, struct err *e) MUST_CHECK;

/*
 * Fence, writers in flight, drain, sequences, large objects, materialized views where they are quick, check. On
 * success the fence stands, and nothing that was committed on the source is missing on the target; with turns the target
 * has let the application write, and its changes are captured. On any failure it is lifted: the source takes writes as
 * before; but for one: the target could not be told, then the error says that both sides refuse. ERR_NOT_YET: it took
 * too long.
 */
bool cutover_switch(struct cutover *c, struct err *e) MUST_CHECK;

/* After the switch, what was not quick: materialized views. */
bool cutover_finish(struct cutover *c, struct err *e) MUST_CHECK;

/* Lifts the fence, tries again where the connection is lost. *stood is false where there was none. */
bool cutover_lift(struct cutover *c, bool *stood, struct err *e) MUST_CHECK;

/* Transaction ids that the target has given out, for telling whether somebody has written there since. */
bool cutover_target_counter(struct cutover *c, int64_t *counter, struct err *e) MUST_CHECK;

#endif
