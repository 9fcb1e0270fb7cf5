/* Tables that are left out for a reason of their own, and tables that are brought in beside the others. */
#ifndef REPL_ENGINE_DRIFT_H
#define REPL_ENGINE_DRIFT_H

#include "private.h"

/* A survey takes at most this part of the time. */
enum { SURVEY_SHARE = 200 };

/* ---- drift.c ---- */

/* Why the table cannot follow just now, or NULL. */
const struct err *drift_of(const struct engine *g, int id);
/* What status says: the same, and while it is tried again why it could not follow before. */
const struct err *drift_shown(const struct engine *g, int id);
/* The reason is an error of the target, not a difference of the catalogs. */
bool drift_refused(const struct engine *g, int id);
/* The table waits: the operator paused it, or it cannot follow. */
bool drift_holds(const struct engine *g, int id);
/* Some table waits for a person: its sides differ, or it was tried several times. */
bool drift_lasts(const struct engine *g);
/* The first reason of any table, or NULL. */
const struct err *drift_any(const struct engine *g);
/* What a batch does not bring along: tables that wait, and those that are brought in beside it. */
struct ids drift_left_out(const struct engine *g, struct arena *a);

/* The error is one table's own: it is put aside, and that was all. Else false. */
bool drift_takes(struct engine *g, const struct err *e);
/* A batch brought every table but these. */
void drift_joined(struct engine *g, const struct ids *left_out);
/* Both sides are read anew as soon as no job is in flight. */
void drift_reopen(struct engine *g);
/* No job is in flight: does it where it was asked for. */
bool drift_reopen_now(struct engine *g);
/* Tries the tables again that wait for a reason of their own. */
void drift_again(struct engine *g);
/* The world is another than before (NULL: there was none). */
void drift_opened(struct engine *g, const struct world *before);
/* Somebody wants to have everything on the target. What DDL brought or took is seen by no trigger (a partition that was
 * attached with rows), so no look fulfils a request before the catalogs have been compared. Then a look follows. */
void drift_requested(struct engine *g);
/* About once a second. */
void drift_tick(struct engine *g);
void drift_status(const struct engine *g, struct status *out);
void drift_news(const struct engine *g, struct status *out);
/* Puts why a table waits in front of the errors. */
void drift_tell(struct status *out, const struct err *e);

/* ---- add.c ---- */

/* Begins to take a table into the sync; control_added tells the end. */
bool add_table(struct engine *g, const char *table, struct err *e) MUST_CHECK;
/* With --auto-add: the next of the source's new tables. */
void add_new(struct engine *g);

/* ---- beside.c ---- */

/* The table is copied, indexed or caught up beside the others, and is not part of their batches. */
bool beside_has(const struct engine *g, int id);
/* Gives free workers such work. Whenever something has ended. */
void beside_dispatch(struct engine *g);

#endif
