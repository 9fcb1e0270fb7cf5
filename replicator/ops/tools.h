/* pg_dump and pg_restore: which of the installed ones to use. */
#ifndef REPL_OPS_TOOLS_H
#define REPL_OPS_TOOLS_H

#include <stddef.h>

#include "repl/err.h"

struct tools {
    int major;
    char *pg_dump, *pg_restore; /* paths */
};

/*
 * The tools for two servers (versions as 150020): the newest installed that is not older than either, under
 * /usr/lib/postgresql or in PATH. A newer pg_restore would send settings of its own version that an older target
 * refuses; but it never speaks to the target, see script.h. ERR_CONFIG names the package to install.
 */
bool tools_find(int source_version, int target_version, struct tools *out, struct err *e) MUST_CHECK;
void tools_free(struct tools *t);

/* The index of the largest of the majors where that is at least need, or -1; of equals the first. Pure. */
int tools_choose(const int *majors, size_t n, int need);

/* "pg_dump (PostgreSQL) 15.18 (Debian ...)" -> 15; 0 where it is something else. Pure. */
int tools_major(const char *version_line);

#endif
