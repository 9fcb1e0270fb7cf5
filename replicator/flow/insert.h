/* Rows of COPY's text as an INSERT. */
#ifndef REPL_FLOW_INSERT_H
#define REPL_FLOW_INSERT_H

#include "repl/flow.h"

/* The columns that are copied, in parentheses, quoted; nothing where there is none: a table without columns, or of
 * generated ones. */
void insert_columns(struct buf *b, const struct relation *r);

/* Adds one INSERT of those rows, in the order of insert_columns; nothing where there is no row. The values are literals
 * without a type, so each is read by its column's own input function, as COPY does. Whole rows only. */
void insert_add(struct buf *b, const struct relation *r, const char *rows, size_t len);

#endif
