/*
 * The SQL of an archive's entries, as pg_restore writes it. repl runs it over its own sessions: in its own order and
 * number at a time, and without the settings that a newer pg_restore sends and an older server refuses.
 */
#ifndef REPL_SCHEMA_SCRIPT_H
#define REPL_SCHEMA_SCRIPT_H

#include "dump.h"

/* keep_always: triggers and rules that are ENABLE ALWAYS on the source stay so; else they are ordinary ones, which do not
 * fire for what repl writes. */

/* Sets the SQL of those entries of a step that are left to do; list is a path for pg_restore's --use-list. */
bool script_read(const struct tools *tools, struct dump *d, enum toc_step step, const char *list,
                 bool keep_always, const struct interrupt *i, struct arena *a, struct err *e) MUST_CHECK;

/* How many places of a script look like the head of an entry: as many as it has entries, unless a string in it looks so. Pure. */
size_t script_headers(const char *text);

/* Cuts a script into the SQL of those entries, which stand in it in the same order; changes the text, which must live
 * as long as they. It must have as many headers as there are entries, or be that of one. ERR_OS where one is not there. Pure. */
bool script_cut(char *text, struct toc_entry *const *entries, size_t count, bool keep_always,
                struct err *e) MUST_CHECK;

#endif
