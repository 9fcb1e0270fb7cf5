/* Whether what is owed is one batch, or which tables catch up in passes: decided here alone. */
#ifndef REPL_ENGINE_BACKLOG_H
#define REPL_ENGINE_BACKLOG_H

#include "jobs.h"

/* A delta row takes a line pointer, a tuple header and its columns; a page holds about this many of small keys. A step
 * of a pass reads whole blocks, so a table that owes no more rows gets nothing from steps that a batch would not do. */
enum { DELTA_ROWS_PER_BLOCK = 180 };

/* An id of t->owed that the world does not know: a table was captured since the catalogs were read. */
bool backlog_has_unknown(const struct batch_task *t);

/* More than one batch should bring. Then t->passes are the tables that catch up in passes, never none; t->beside: the
 * others go on with batches meanwhile. */
bool backlog_is_large(struct batch_task *t);

/* How far the limits are widened: a round of passes has ended, of so many in a row; a batch brought t->share of them. */
double backlog_widen(double widened, unsigned rounds);
double backlog_narrow(double widened, double share);

#endif
