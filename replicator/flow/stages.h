/* The staging tables of a target session. */
#ifndef REPL_FLOW_STAGES_H
#define REPL_FLOW_STAGES_H

#include "merge.h"

/* Makes the stages of these tables unless the session has them; nothing is sent where it has all. Outside of a
 * transaction. Tables that fan out are left out. */
bool stages_make(struct conn *target, const struct apply *ap, struct arena *a, struct err *e) MUST_CHECK;
/* A session keeps as many. */
enum { STAGES_KEPT = 32 };

/* After a commit: with many stages every later commit would be slow, since each is emptied at each; then all are
 * dropped and made again as needed. */
bool stages_settle(struct stages *stages, struct conn *target, struct err *e) MUST_CHECK;

/* After a failure nobody knows which ones were made. */
void stages_forget(struct stages *stages);

#endif
