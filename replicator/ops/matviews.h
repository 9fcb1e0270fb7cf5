/* Materialized views: their rows are computed on the target. */
#ifndef REPL_OPS_MATVIEWS_H
#define REPL_OPS_MATVIEWS_H

#include "repl/ops.h"

/*
 * Refreshes those of the target that are populated on the source, each after those that it reads. One that cannot
 * be refreshed is told and left as it is. Can be run again. Fails where the server is lost or the work interrupted.
 */
bool matviews_refresh(struct conn *source, struct conn *target, const char *own_schema,
                      const struct interrupt *i, say_fn say, void *arg, struct err *e) MUST_CHECK;

#endif
