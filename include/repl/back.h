/*
 * The way back (docs/fallback.md): what the application writes at the target after a cutover comes back to the old source.
 * It is a sync like the first one, the other way around, with a schema of its own on both sides. The fences say which
 * way the changes go: the side that is not fenced is where the application writes. The state file only remembers it.
 *
 * `to` and `from` are the sync as init was told it: forward goes from s->source to s->target. Functions that take a
 * struct sync here take it in either direction unless they say otherwise.
 */
#ifndef REPL_BACK_H
#define REPL_BACK_H

#include "repl/sync.h"

/* What both sides say. */
struct ways {
    bool prepared;  /* the way back is installed */
    bool here;      /* the source of init is fenced */
    bool there;     /* the target of init is */
    bool back;      /* the changes go back; where both sides are fenced, which of them a switch is leaving */
    bool undecided; /* both sides are fenced: a switch is under way */
};

/* Asks both sides. */
bool ways_read(const struct sync *s, struct conn *source, struct conn *target, struct ways *out,
               struct err *e) MUST_CHECK;

/* The same over connections of its own, and the state file is told; turns s where it stands the other way. */
bool ways_settle(struct sync *s, struct state *st, struct ways *out, struct err *e) MUST_CHECK;

/* The state file remembers which way the changes go; NULL: there is no way back. */
bool ways_remember(struct state *st, const char *way, struct err *e) MUST_CHECK;

struct back_options {
    const char *sync_id;
    say_fn say;
    void *arg;
};

/* What the way back could not do, said beforehand: changes nothing. s is forward. ERR_CONFIG. */
bool back_check(const struct sync *s, struct conn *source, struct conn *target, const struct back_options *o,
                struct err *e) MUST_CHECK;

/* Installs it, or what is new since: capture on the target, fenced from the beginning; repl's tables on the source. Can be
 * repeated. s is forward. */
bool back_install(const struct sync *s, struct conn *source, struct conn *target,
                  const struct back_options *o, struct err *e) MUST_CHECK;

/* Takes it away: the target's capture and fence, the source's tables. s is forward, the changes go forward. */
bool back_remove(const struct sync *s, struct conn *source, struct conn *target, const struct back_options *o,
                 struct err *e) MUST_CHECK;

/* ---- the old source while repl writes it; schema is the way back's ---- */

/* Foreign keys, triggers and rules are switched off. A lock that does not come is an ERR_SQL 55P03: try again. */
bool back_hush(struct conn *old, const char *schema, struct err *e) MUST_CHECK;
/* They are as they were; repl writes no more. Nothing is done where that schema is not there. */
bool back_wake(struct conn *old, const char *schema, struct err *e) MUST_CHECK;
/* What back_wake would take: a part of it is done, and rolled back. */
bool back_try_wake(struct conn *old, const char *schema, double *seconds, struct err *e) MUST_CHECK;
/* Foreign keys that were added again are validated, which takes a while and stops nobody. *failed: rows do not keep
 * one; it stays NOT VALID, and say tells. */
bool back_validate(struct conn *old, const char *schema, const struct back_options *o,
                   struct err *e) MUST_CHECK;
/* What begins a batch's transaction there, in the arena. */
char *back_begin_batch_sql(struct arena *a, const char *schema);

#endif
