/*
 * The source's schema as files in the state directory: schema.dump (pg_dump's archive), schema.list (its table of
 * contents less repl's own objects) and schema.objects (how the catalog addresses each entry, as JSON, so that
 * another server can be asked whether it has it).
 */
#ifndef REPL_OPS_DUMP_H
#define REPL_OPS_DUMP_H

#include "repl/ops.h"
#include "toc.h"
#include "tools.h"

struct pg_dump; /* pg_dump.h */

struct dump {
    char *archive; /* path of schema.dump */
    char *objects; /* the text of schema.objects */
    struct toc toc;
};

/*
 * Has pg_dump begin with it, while its caller asks the servers other things: on a long wire both are mostly round trips.
 * What was there is removed. NULL where that cannot be; then dump_open does it all, and tells why it cannot.
 */
struct pg_dump *dump_ahead(const struct sync *s, struct conn *source, int target_version);

/* Makes the files where schema.dump is missing, of what began ahead (NULL: nothing did), and reads them. Everything is
 * in the arena. */
bool dump_open(const struct sync *s, struct conn *source, const struct tools *tools, struct pg_dump *ahead,
               const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct dump *out,
               struct err *e) MUST_CHECK;

/* Removes the files; fine where there are none. */
void dump_remove(const char *dir);
/* What was begun and not ended. */
void dump_remove_unfinished(const char *dir);

/* Writes a small file whole; its former content stays when that fails. */
bool file_write(const char *path, const char *text, size_t len, struct err *e) MUST_CHECK;

#endif
