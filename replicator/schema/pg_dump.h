/* pg_dump at work on the source's schema. */
#ifndef REPL_SCHEMA_PG_DUMP_H
#define REPL_SCHEMA_PG_DUMP_H

#include "repl/schema.h"

/* Begins to write the archive to file; strings are copied, s and i must live as long. */
bool pg_dump_begin(const struct sync *s, struct conn *source, const char *program, const char *file,
                   const struct interrupt *i, struct pg_dump **out, struct err *e) MUST_CHECK;

/* Waits for it. Where somebody's lock was in the way it is tried again: by a command for minutes, while say gets who has
 * it; an engine (which has an interrupt) is soon told. say gets what this role may not read, too. Blocks. */
bool pg_dump_end(struct pg_dump *d, struct conn *source, say_fn say, void *arg, struct err *e) MUST_CHECK;

#endif
