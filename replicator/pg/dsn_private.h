/* What the files that read connection strings share. */
#ifndef REPL_PG_DSN_PRIVATE_H
#define REPL_PG_DSN_PRIVATE_H

#include <libpq-fe.h>

#include "repl/pg.h"

/* dsn_spec.c: the string that a spec stands for: never empty, without blanks around it. Caller frees. */
bool spec_read(const char *spec, const struct interrupt *i, char **out, struct err *e) MUST_CHECK;

/* How long that may take: what a command has, and until it is dead; 0: no time. */
unsigned dsn_read_ms(const char *spec);

/* dsn_fault.c: takes the string apart; an error names what is wrong with it, and shows nothing of it but the name of a
 * parameter. *out is PQconninfoFree's. */
bool dsn_parse(const char *text, PQconninfoOption **out, struct err *e) MUST_CHECK;

/* The parameter's value, or NULL. */
const char *option_value(const PQconninfoOption *options, const char *keyword);

#endif
