/* The list of findings that preflight fills. */
#ifndef REPL_OPS_FINDINGS_H
#define REPL_OPS_FINDINGS_H

#include "repl/ops.h"

/* Adds one; the texts are copied into the arena. hint may be NULL. */
void finding_add(struct findings *f, struct arena *a, struct finding finding);

/* Adds a blocker of what an error says. */
void finding_add_err(struct findings *f, struct arena *a, const char *topic, const struct err *e);

/* "warning: source: public.account: has no key (hint)", for people; in the arena. Of several tables it names the first
 * few: "warning: source: 4 tables (a, b, c ...): have no key (hint)". */
char *finding_line(const struct finding_group *g, struct arena *a);

#endif
