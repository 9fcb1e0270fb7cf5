/* pg_dump and pg_restore: which of the installed ones to use. */
#ifndef REPL_SCHEMA_TOOLS_H
#define REPL_SCHEMA_TOOLS_H

#include "repl/schema.h"

/* The index of the largest of the majors where that is at least need, or -1; of equals the first. Pure. */
int tools_choose(const int *majors, size_t n, int need);

/* "pg_dump (PostgreSQL) 15.18 (Debian ...)" -> 15; 0 where it is something else. Pure. */
int tools_major(const char *version_line);

#endif
