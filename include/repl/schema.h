/*
 * The source's schema and how it comes over (docs/schema.md): pg_dump makes the DDL, and each entry of its archive goes
 * over once, before the rows or after them. What comes after is repl/units.h.
 */
#ifndef REPL_SCHEMA_H
#define REPL_SCHEMA_H

#include "repl/interrupt.h"
#include "repl/sync.h"

/* ---- the tools (tools.c) ---- */

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

/* ---- the archive (dump.c, pg_dump.c) ---- */

struct pg_dump; /* pg_dump at work */

/*
 * Has pg_dump begin with it, while its caller asks the servers other things: on a long wire both are mostly round trips.
 * What was there is removed. NULL where that cannot be; then whoever reads the archive does it all, and tells why it cannot.
 */
struct pg_dump *dump_ahead(const struct sync *s, struct conn *source, int target_version);
/* Ends it where it is still at work. NULL is fine. */
void pg_dump_free(struct pg_dump *d);

/* Removes the files; fine where there are none. */
void dump_remove(const char *dir);
/* What was begun and not ended. */
void dump_remove_unfinished(const char *dir);

/* ---- what comes before the rows (schema.c) ---- */

struct units_wanted;

/* What comes before the rows, by pg_dump (schema.c): makes types, functions and tables on the target. Reads the source's
 * schema again where DIR/schema.dump is missing. Each object is made once: what is on the target already is skipped, so it
 * can be run again after a crash. say gets what was left out, and why. */
bool schema_pre_data(const struct units_wanted *w, struct err *e) MUST_CHECK;

/* ---- what it made (made.c) ---- */

struct made {
    size_t tables, others;
    struct strlist lines; /* for people; the arena's */
};
/* What repl made on the target and is still there. */
bool schema_list_made(struct conn *target, const char *schema, struct arena *a, struct made *out,
                      struct err *e) MUST_CHECK;
/* Drops all of that with its rows, and repl's own tables with it, in one transaction; ERR_CONFIG, and nothing is dropped,
 * where something that repl did not make would go along. Extensions stay, and schemas that hold what others made. */
bool schema_drop_made(struct conn *target, const char *schema, struct err *e) MUST_CHECK;

/* What was read of the source's schema is not true any more: whoever plans next reads it again. */
void schema_forget(const struct sync *s);

/* The search_path that the application's own sessions have there, as it is set; the caller frees it. */
bool schema_search_path(struct conn *c, char **out, struct err *e) MUST_CHECK;

#endif
