/* A socket that the loop watches and somebody else owns, such as libpq, which closes it while it reads when the server is gone.
 * From then on its number is anybody's: another thread's next connection may have it. So what is watched is a descriptor
 * of the same socket that belongs to the watch. */
#ifndef REPL_ENGINE_WATCHED_H
#define REPL_ENGINE_WATCHED_H

#include <uv.h>

#include "repl/err.h"

struct watched;
typedef void (*watched_fn)(void *arg);

/* Calls readable(arg) on the loop whenever there is something to read, or the other end is gone; until watched_stop. */
struct watched *watched_start(uv_loop_t *loop, int fd, watched_fn readable, void *arg, struct err *e);
/* No call comes any more. The watch's own descriptor is closed in the loop's next round. NULL is fine. */
void watched_stop(struct watched *w);

#endif
