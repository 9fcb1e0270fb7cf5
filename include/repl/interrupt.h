/*
 * How a running job is told to end. Level 0: go on. INTERRUPT_SOON: end at the next place where nothing is lost
 * (a chunk of the copy is dropped and repeated, a batch is finished). INTERRUPT_NOW: drop everything.
 * Raised by any thread (or a signal handler), seen by every thread that waits for a server.
 */
#ifndef REPL_INTERRUPT_H
#define REPL_INTERRUPT_H

#include "repl/err.h"

enum interrupt_level { INTERRUPT_NONE, INTERRUPT_SOON, INTERRUPT_NOW };

struct interrupt;

/* Where no descriptor is left it has none, and is seen a moment later. */
struct interrupt *interrupt_new(void);
void interrupt_free(struct interrupt *i);
void interrupt_raise(struct interrupt *i, enum interrupt_level level); /* never lowers */
enum interrupt_level interrupt_level(const struct interrupt *i);       /* NULL gives INTERRUPT_NONE */
/* Rests for that long; false as soon as any level is raised. i may be NULL. */
bool interrupt_rest(const struct interrupt *i, unsigned ms);
int interrupt_fd(const struct interrupt *i); /* readable once raised; for poll, never read; -1: none */

#endif
