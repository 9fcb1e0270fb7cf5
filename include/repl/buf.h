/* A growing buffer of bytes, always followed by a NUL so that text in it is a C string. Zero-initialised is empty. */
#ifndef REPL_BUF_H
#define REPL_BUF_H

#include <stddef.h>

#include "repl/mem.h"

struct buf {
    char *data; /* NULL until something was added */
    size_t len;
    size_t cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_clear(struct buf *b);             /* keeps the memory */
void buf_free(struct buf *b);              /* and is empty again */
const char *buf_text(const struct buf *b); /* "" when empty */

/* The text, in the arena; the buffer is freed. */
char *buf_take(struct arena *a, struct buf *b);

#endif
