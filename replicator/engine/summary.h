/* How long the first copy took. */
#ifndef REPL_ENGINE_SUMMARY_H
#define REPL_ENGINE_SUMMARY_H

#include "private.h"

struct table_plan;

void summary_opened(struct engine *g); /* both sides were read */
void summary_leaves(struct engine *g); /* the life is about to change */
void summary_tick(struct engine *g);
void summary_table(struct engine *g, const struct table_plan *p); /* its last row has come */
void summary_unit(struct engine *g, const struct unit *u, double seconds);
void summary_follows(struct engine *g); /* everything is there: tells, the first time */
void summary_status(const struct engine *g, struct status *out);

#endif
