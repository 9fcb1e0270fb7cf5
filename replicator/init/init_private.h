/*
 * What the files of init share: one init at work, or one table that joins (docs/architecture.md).
 */
#ifndef REPL_INIT_PRIVATE_H
#define REPL_INIT_PRIVATE_H

#include "repl/init.h"

/* No application statement waits for CREATE TRIGGER longer than this. */
enum { INIT_LOCK_MS = 300 };

/* How far it came: what stands on both sides when it ends early. */
enum reached {
    REACHED_NOTHING,
    REACHED_SOURCE,   /* repl's schema is on the source */
    REACHED_TARGET,   /* and on the target */
    REACHED_TABLES,   /* the target has the tables */
    REACHED_CAPTURED, /* all of the source's are captured */
    REACHED_END
};

struct init {
    const struct sync *s;
    struct selection *selection; /* that of s, whose names init resolves; NULL where one table joins */
    struct state *st;
    say_fn say;
    ask_fn ask;
    void *arg;
    struct arena *a;
    struct conn *source, *target;
    struct pg_dump *ahead; /* of the schema; NULL: not begun */
    struct capture capture;
    struct relations tables; /* the selected ones, as the source has them */
    struct target_state state;
    struct init_report *report;
    enum reached reached;
    struct target_name name;           /* of the target */
    uint64_t said_at;                  /* when a wait was last told */
    unsigned give_up_ms;               /* how long others may keep a table locked; 0: no limit */
    bool made_by_others;               /* the target's tables */
    const struct interrupt *interrupt; /* or NULL */
};

bool init_connect(struct init *in, struct err *e) MUST_CHECK;
/* The end of what failed, while the connections stand: where a lock did not come *e says who has it. */
void init_blame(struct init *in, struct err *e);
/* No table can join while the changes go back: false, with the error. */
bool init_no_table_joins(struct err *e);

/* in->tables: the selected ones. */
bool init_read_tables(struct init *in, struct err *e) MUST_CHECK;

/* ---- init_target.c ---- */

/* The source is the one that the state file means, wherever it stands by now. */
bool init_same_source(struct init *in, struct err *e) MUST_CHECK;
/* --recreate: what an earlier init made on the target is dropped, with repl's own tables there, where the user agrees. */
bool init_recreate(struct init *in, struct err *e) MUST_CHECK;
/* Both sides know from here on that they belong together. In between a restored target gives up its copy of capture. */
bool init_pair(struct init *in, struct err *e) MUST_CHECK;

/* ---- init_schema.c ---- */

/* The target has every table of in->tables, fit to take the source's rows; those missing are made,
 * unless others make them. */
bool init_schema(struct init *in, struct err *e) MUST_CHECK;
/* --overwrite: the target's tables that hold rows and whose copy has not begun are emptied. */
bool init_empty(struct init *in, struct err *e) MUST_CHECK;

/* ---- init_capture.c ---- */

/* Tables that are gone from the source leave the sync on both sides. */
bool init_forget_dropped(struct init *in, struct err *e) MUST_CHECK;
/* Capture on in->tables of the source, and nothing else: what a seed is made of. */
bool init_capture_source(struct init *in, struct err *e) MUST_CHECK;
/* The same, and the tables join on the target. */
bool init_capture(struct init *in, struct err *e) MUST_CHECK;
/* Says who holds a lock that init waits for; the callback of capture's installation, arg the struct init. */
void init_say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms);

/* ---- init_origin.c ---- */

/* --seeded: capture's copies on a target that was restored make place for the target's own state. */
bool init_take_seed(struct init *in, struct err *e) MUST_CHECK;
/* Which tables are copied from the fork and which from the source. */
bool init_choose_origins(struct init *in, struct err *e) MUST_CHECK;

/* ---- init_way.c ---- */

/* No cutover has begun to switch the application; else the error says what stands. */
bool init_before_switch(struct init *in, struct err *e) MUST_CHECK;
/* What the fences of a switch say. *done: it leaves nothing for init to do. */
bool init_look_at_way(struct init *in, bool *done, struct err *e) MUST_CHECK;

#endif
