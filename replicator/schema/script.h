/*
 * The SQL of an archive's entries, as pg_restore writes it. repl runs it over its own sessions: in its own order and
 * number at a time, and without the settings that a newer pg_restore sends and an older server refuses.
 */
#ifndef REPL_SCHEMA_SCRIPT_H
#define REPL_SCHEMA_SCRIPT_H

#include "dump.h"

/* Sets the SQL of those entries of a step that are left to do; list is a path for pg_restore's --use-list. */
bool script_read(const struct tools *tools, struct dump *d, enum toc_step step, const char *list,
                 const struct interrupt *i, struct arena *a, struct err *e) MUST_CHECK;

/* Cuts a script into the SQL of those entries, which stand in it in the same order; changes the text, which must live
 * as long as they. ERR_OS where one is not there. Pure. */
bool script_cut(char *text, struct toc_entry *const *entries, size_t count, struct err *e) MUST_CHECK;

#endif
