/*
 * Memory by lifetime. Control code uses the x-functions, which end the process when memory is out: nothing useful
 * can be done then, and a restart continues. What lives as long as one batch or one description comes from an
 * arena, which is freed as a whole.
 */
#ifndef REPL_MEM_H
#define REPL_MEM_H

#include <stddef.h>

#include "repl/err.h"

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type; lives until the arena is reset or freed. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
