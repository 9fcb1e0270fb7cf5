/*
 * The engine: one libuv loop that owns the life-cycle, the state file and the control socket, and workers that move
 * the rows. `repl start` is engine_run.
 */
#ifndef REPL_ENGINE_H
#define REPL_ENGINE_H

#include "repl/status.h"
#include "repl/sync.h"

struct engine_options {
    struct sync *sync;   /* borrowed */
    struct state *state; /* borrowed; the loop thread's alone until engine_run returns */
    bool once;           /* copy if need be, bring everything committed until now over, and return */
    bool *turned;        /* set where it ended because the changes go the other way now; may be NULL */
    bool insist;         /* what fails before it is up is tried again, too */
    int ready_fd;        /* -1, or: one byte is written here when the control socket answers */
    /* Called on the loop thread about once a second. May be NULL. */
    void (*progress)(void *arg, const struct status *st);
    /* Called on the loop thread on SIGHUP, which ends nothing: the log's file may be another. NULL: SIGHUP is not heeded. */
    void (*reopen_log)(void *arg);
    void *arg;
};

/*
 * Runs until stopped (signal, control socket) or, with once, until done. Errors that pass are retried inside;
 * what comes back is what a person must solve.
 */
bool engine_run(const struct engine_options *o, struct err *e) MUST_CHECK;

/* ---- status ---- */

/* The contract of status --json; caller frees with free(). */
char *status_to_json(const struct status *s, bool pretty);
/* The reverse, for the client; false where it is not a status. */
bool status_from_json(const char *json, struct status *out) MUST_CHECK;

/* The status while no engine runs: the state file, with what source and target say of position and backlog where
 * they can be reached (they are asked for at most timeout_ms). */
bool status_offline(const struct sync *s, struct state *st, unsigned timeout_ms, struct status *out,
                    struct err *e) MUST_CHECK;

/* ---- settings (config.c): DIR/repl.conf, "name = value" lines ---- */

struct setting {
    const char *name;
    const char *unit; /* "rows", "bytes", "ms", "connections", or "" */
    int64_t fallback, min, max;
    const char *text; /* one sentence */
};

/* Those that hold for commands, too: answer_ms. ERR_CONFIG as for the engine. */
bool settings_use(const char *dir, struct err *e) MUST_CHECK;

extern const struct setting engine_settings[]; /* ends with a NULL name; alphabetical */

/* source, target and schema stand there too, for a state file that is lost; *value is NULL where it does not (caller
 * frees). The engine passes over them. */
bool settings_text(const char *dir, const char *name, char **value, struct err *e) MUST_CHECK;

#endif
