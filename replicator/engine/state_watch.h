/* The state file under a running engine: a disk that is full, a file that is damaged, a directory that was emptied. */
#ifndef REPL_ENGINE_STATE_WATCH_H
#define REPL_ENGINE_STATE_WATCH_H

#include "private.h"

/* What came of writing or reading it; said once, and shown until it goes well again. Returns ok. */
bool state_watch_result(struct engine *g, bool ok, const struct err *e);
/* Puts it first among the errors. */
void state_watch_status(const struct engine *g, struct status *out);
/* Makes again what is gone: the directory, the state file, the lock and the socket. */
void state_watch_tick(struct engine *g);

/* engine.c */
bool engine_lock_file(struct engine *g, struct err *e) MUST_CHECK;
/* control_commands.c: what is paused, into the state file. */
bool control_remember_paused(struct engine *g, struct err *e) MUST_CHECK;
/* control.c: whether the socket is where commands look for it, and there again. */
bool control_is_there(struct engine *g);
bool control_listen_again(struct engine *g, struct err *e) MUST_CHECK;

#endif
