/* The list of findings that preflight fills. */
#ifndef REPL_CHECK_FINDINGS_H
#define REPL_CHECK_FINDINGS_H

#include "repl/check.h"

/* Adds one; the texts are copied into the arena. hint may be NULL. */
void finding_add(struct findings *f, struct arena *a, struct finding finding);

/* Adds a blocker of what an error says. */
void finding_add_err(struct findings *f, struct arena *a, const char *topic, const struct err *e);

#endif
