/*
 * The source's schema as files in the state directory: schema.dump (pg_dump's archive), schema.list (its table of
 * contents less repl's own objects) and schema.objects (how the catalog addresses each entry, as JSON, so that
 * another server can be asked whether it has it).
 */
#ifndef REPL_SCHEMA_DUMP_H
#define REPL_SCHEMA_DUMP_H

#include "repl/schema.h"
#include "toc.h"
#include "tools.h"

struct dump {
    char *archive; /* path of schema.dump */
    char *objects; /* the text of schema.objects */
    struct toc toc;
};

/* Makes the files where schema.dump is missing, of what began ahead (NULL: nothing did), and reads them. Everything is
 * in the arena. */
bool dump_open(const struct sync *s, struct conn *source, const struct tools *tools, struct pg_dump *ahead,
               const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct dump *out,
               struct err *e) MUST_CHECK;

/* Writes a small file whole; its former content stays when that fails. */
bool file_write(const char *path, const char *text, size_t len, struct err *e) MUST_CHECK;

#endif
