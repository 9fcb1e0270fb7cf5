/*
 * repl init: preflight, schema, capture, plan; and one more table for a sync that is at work. Every step looks at what is
 * there, so it can be run again.
 */
#ifndef REPL_INIT_H
#define REPL_INIT_H

#include "repl/interrupt.h"
#include "repl/sync.h"

struct init_report {
    size_t tables;   /* in the sync */
    size_t captured; /* by this call */
    size_t without_key;
    size_t from_fork;  /* are copied from a fork */
    int64_t bytes;     /* to copy */
    bool adopted;      /* an installation was there */
    bool copied;       /* all of the first copy is there: nothing is to copy */
    bool seed_awaited; /* the target is to be restored now, and then comes another init */
};

/* Asks for leave; false with the error where it is not given. */
typedef bool (*ask_fn)(void *arg, const char *question, struct err *e);

/* Names of the sync's selection become whole ones. Preflight, schema, capture, plan: all of `repl init`. Can be run again: it continues, adopts, adds new tables. An error
 * says what stands on both sides by then. */
bool init_run(struct sync *s, struct state *st, say_fn say, ask_fn ask, void *arg, struct init_report *out,
              struct err *e) MUST_CHECK;

struct add_options {
    bool only_if_there; /* the target's table is not made, whatever the sync says */
    bool lock;          /* no engine runs: keep others out */
    const struct interrupt *interrupt;
    say_fn say;
    void *arg;
};

/* One more table joins the sync: its schema comes over where the target has none, capture is installed, and what follows
 * the rows is looked at again; the rows come with the engine. *added is its label, the caller frees it. */
bool init_add(const struct sync *s, const char *label, const struct add_options *o, char **added,
              struct err *e) MUST_CHECK;

#endif
