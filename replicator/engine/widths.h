/* How wide rows are on the wire: what jobs moved lately, by table. Shared by all workers. */
#ifndef REPL_ENGINE_WIDTHS_H
#define REPL_ENGINE_WIDTHS_H

#include "repl/rel.h"

struct widths;
struct widths *widths_new(void);
void widths_free(struct widths *w);

/* A job moved so many rows of the table of that id, deletes included. Any thread. */
void widths_moved(struct widths *w, int id, int64_t rows, int64_t bytes);
/* Bytes of one row on average, never below 1: by what was moved, and as long as that is little by what the catalogs say of
 * the table. Any thread. */
double widths_of(struct widths *w, const struct relation *r);

#endif
