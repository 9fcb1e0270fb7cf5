/*
 * The cutover's state, kept on the side whose writes it switches off, and the fence that goes with it (docs/cutover.md).
 * Every command reads the state first and decides by it.
 */
#ifndef REPL_FENCE_H
#define REPL_FENCE_H

#include "repl/capture.h"

enum cutover_state {
    CUTOVER_NONE,      /* writes go through */
    CUTOVER_FENCING,   /* a command has begun, and puts the fence up */
    CUTOVER_FENCED,    /* writes are refused; writers in flight and the last changes are waited for */
    CUTOVER_DRAINED,   /* everything is on the other side, and was checked */
    CUTOVER_SWITCHING, /* the application is being switched: the fence is permanent */
    CUTOVER_COMPLETE,  /* the application writes on the other side */
    CUTOVER_ABORTED,   /* writes go through again */
    CUTOVER_RESERVED,  /* of the target's fence: a way back is prepared, the application was never here */
    CUTOVER_CLEANED    /* capture is off for good */
};

enum cutover_event {
    CUTOVER_BEGIN,
    CUTOVER_UP,
    CUTOVER_DRAIN,
    CUTOVER_SWITCH,
    CUTOVER_RESUME, /* repl cutover --resume, behind a command that was killed or failed */
    CUTOVER_DONE,
    CUTOVER_GIVE_UP, /* the command itself, before the switch or with --exec-failure=lift */
    CUTOVER_LAPSE,   /* the lease is over: found by the engine or the next command */
    CUTOVER_ABORT,   /* repl cutover --abort */
    CUTOVER_RESERVE,
    CUTOVER_TURN, /* the other side's switch lets this one take writes */
    CUTOVER_CLEAN
};

const char *cutover_state_name(enum cutover_state s);
bool cutover_state_parse(const char *name, enum cutover_state *out, struct err *e) MUST_CHECK;

/* An event leads to one state, from wherever it may come. */
enum cutover_state cutover_leads_to(enum cutover_event event);

/* For docs/cutover.md: the table, row by row; false behind the last. */
struct cutover_row {
    const char *from, *event, *to, *comment;
};
bool cutover_row(unsigned index, struct cutover_row *out);

/* What one side says. Strings are the arena's; "" where there is none. */
struct cutover_now {
    enum cutover_state state;
    bool closed; /* writes are refused now */
    bool sealed; /* for good, not for a lease */
    bool
        lapsed; /* it is under way by its state, but the fence did not stand without a break: nothing is promised */
    bool covered;    /* the fence is in the functions, whether it refuses or not */
    bool alive;      /* the session of the command is there */
    int pid;         /* of that session */
    int64_t attempt; /* which command's */
    int64_t left_ms; /* of the lease */
    const char *since, *fenced_at, *why, *mark;
};

/* The state of a side; none where capture is not installed there. */
bool fence_read(struct conn *db, const struct capture *c, struct arena *a, struct cutover_now *out,
                struct err *e) MUST_CHECK;
/* Whether any of the steps between the first and the completion is under way. */
bool cutover_under_way(enum cutover_state s);

/* What a move carries. */
struct fence_move {
    int64_t attempt;    /* whose; 0: a new attempt */
    const char *reason; /* NULL: none */
    const char *mark;   /* NULL: as it was */
    unsigned lease_ms;  /* CUTOVER_BEGIN */
};

/* One transaction. *moved is false where the state is not one that the event goes with, or another command has taken over, or the
 * fence has not stood without a break. *attempt (may be NULL): whose it is now. CUTOVER_GIVE_UP, _LAPSE, _ABORT and _TURN let writes
 * through. */
bool fence_move(struct conn *db, const struct capture *c, enum cutover_event event,
                const struct fence_move *how, int64_t *attempt, bool *moved, struct err *e) MUST_CHECK;

/* Prolongs the lease; *holds is false where it had ended, or another command has taken over. */
bool fence_renew(struct conn *db, const struct capture *c, int64_t attempt, unsigned lease_ms, bool *holds,
                 struct err *e) MUST_CHECK;
/* In CUTOVER_SWITCHING: the fence is permanent from here on. *holds is false where a write went through before. */
bool fence_seal(struct conn *db, const struct capture *c, int64_t attempt, bool *holds,
                struct err *e) MUST_CHECK;

/* A cutover whose lease is over is ended: writes go through anyway. Also what a command left that was killed while it lifted the
 * fence. *lifted (may be NULL): there was something to do. */
bool fence_tidy(struct conn *db, const struct capture *c, const struct cutover_now *now, bool *lifted,
                struct err *e) MUST_CHECK;

/* Functions of capture that were made since get the fence, too; the number of functions that have it. A rehearsal does it in a
 * transaction that is rolled back. */
bool fence_extend(struct conn *db, const struct capture *c, int64_t *functions, struct err *e) MUST_CHECK;
/* Writes are refused now. */
bool capture_fenced(struct conn *db, const struct capture *c, bool *fenced, struct err *e) MUST_CHECK;

/* A transaction that holds a lock for writing on a captured table. */
struct writer {
    const char *transaction; /* virtual id: never used again while the server runs */
    int pid;                 /* 0: a prepared transaction */
    const char *who;         /* application_name, else the role */
    double seconds;          /* since it began; negative: not known */
    const char *state;       /* as in pg_stat_activity, or "prepared" */
    const char *table;
};

/* Who is in flight now, the oldest first. */
bool capture_writers(struct conn *db, const struct capture *c, struct arena *a, struct writer **out,
                     size_t *n, struct err *e) MUST_CHECK;

#endif
