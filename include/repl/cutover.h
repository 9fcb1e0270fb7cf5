/*
 * Cutover: the hour in which the application changes servers. cutover_prepare can take its time and changes nothing
 * that matters; cutover_switch is what the application waits for.
 */
#ifndef REPL_CUTOVER_H
#define REPL_CUTOVER_H

#include "repl/check.h"
#include "repl/fence.h"
#include "repl/interrupt.h"
#include "repl/status.h"
#include "repl/sync.h"

struct cutover_options {
    bool source_only;    /* for --abort: the target need not be there */
    bool terminate;      /* end the sessions of writers in flight */
    bool large_objects;  /* copy them */
    bool turns;          /* the changes turn around: --fallback, or the way back */
    unsigned timeout_ms; /* the fence is lifted when it has stood so long and the work is not done */
    const struct interrupt *interrupt;
    /* The engine: everything committed on the source before the call is on the target when it returns. ERR_NOT_YET
     * after timeout_ms. i ends the wait. */
    bool (*kick)(void *arg, unsigned timeout_ms, const struct interrupt *i, struct err *e);
    /* The engine is told what the state is now; best effort. May be NULL. */
    void (*told)(void *arg, enum cutover_state state);
    say_fn say;
    void *arg; /* of all three */
};

/* Seconds, in the order of the steps. */
struct cutover_times {
    double kick;    /* how long a sync took before the fence */
    double fence;   /* putting it up (in a dry run: in a transaction that was rolled back) */
    double writers; /* until the last writer in flight had ended */
    double drain, sequences, large_objects, matviews, check;
    double turn;    /* until the other side took writes, where the changes turn around */
    double paused;  /* from the fence to the end of the check; in a dry run: what is expected */
    double command; /* the command of --exec; 0: none */
};

struct cutover; /* the sessions of one cutover */

/* Connects to both sides, and reads the state of the one whose writes are to be switched off. */
bool cutover_open(const struct sync *s, const struct cutover_options *o, struct cutover **out,
                  struct err *e) MUST_CHECK;
void cutover_close(struct cutover *c); /* NULL is fine */
const struct cutover_times *cutover_times(const struct cutover *c);
/* As it was read last; cutover_look reads it again. */
const struct cutover_now *cutover_state(const struct cutover *c);
bool cutover_look(struct cutover *c, struct err *e) MUST_CHECK;

/* Ends one whose lease is over. */
bool cutover_clear(struct cutover *c, struct err *e) MUST_CHECK;

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
 * success the state is "switching": the fence is permanent, and nothing that was committed on the source is missing on the
 * target; with turns the target has let the application write, its changes are captured, and the state is "complete". On any
 * failure the fence is lifted: the source takes writes as before; but for one: the target could not be told, then the error says
 * that both sides refuse. ERR_NOT_YET: it took too long.
 */
bool cutover_switch(struct cutover *c, struct err *e) MUST_CHECK;

/* With turns: where the command of the switch to this side was killed when the application could write here already, that switch
 * is complete. */
bool cutover_settle_other(struct cutover *c, struct err *e) MUST_CHECK;

/* Of a switch whose command was killed or failed behind the check: this command has it now. With turns it is brought to its
 * end, otherwise cutover_complete does that. */
bool cutover_resume(struct cutover *c, struct err *e) MUST_CHECK;
/* The application is switched: the state is "complete". */
bool cutover_complete(struct cutover *c, struct err *e) MUST_CHECK;

/* After the switch, what was not quick: materialized views. */
bool cutover_finish(struct cutover *c, struct err *e) MUST_CHECK;

/* Lifts the fence: by this command's own attempt, or with --abort whosever it is. Tries again for some seconds where the source
 * does not answer. *stood is false where there was none. */
bool cutover_give_up(struct cutover *c, const char *why, struct err *e) MUST_CHECK;
bool cutover_abort(struct cutover *c, bool *stood, struct err *e) MUST_CHECK;

/* What was written in the sync's tables of the target since the switch began. */
struct cutover_written {
    bool known;       /* else the target could not be asked, or nothing was noted when the switch began */
    bool exact;       /* counted in the tables; else by the server's statistics, which lag by some seconds */
    int64_t changed;  /* rows that were inserted or updated and are there */
    int64_t deleted;  /* rows that are gone: at least so many */
    int tables;       /* in so many tables */
    const char *most; /* the one with the most of them, in the cutover's memory; "" */
};
bool cutover_count_written(struct cutover *c, struct cutover_written *out, struct err *e) MUST_CHECK;

#endif
