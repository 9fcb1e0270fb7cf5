/*
 * The state file: DIR/state.db, SQLite. What the operator sees while the engine is down, the settings of the sync,
 * the log. A convenience, never the truth (invariant I5): the positions stand on the target, what is owed on the
 * source. Used by one thread: the engine's loop, or a command.
 */
#ifndef REPL_STATE_H
#define REPL_STATE_H

#include "repl/err.h"
#include "repl/status.h"

struct state;

/*
 * Opens DIR/state.db. With create the directory (mode 0700) and file (0600) are made where missing; without,
 * a missing one is ERR_STATE with the hint to run `repl init` or give -D. Migrates the schema (sql/state/NNN_*.sql).
 * A directory that others may read is refused.
 */
bool state_open(const char *dir, bool create, struct state **out, struct err *e) MUST_CHECK;
void state_close(struct state *s); /* NULL is fine */
const char *state_dir(const struct state *s);

/* Settings: source, target, schema, tables, exclude, jobs, ... as init was given them. */
bool state_set(struct state *s, const char *key, const char *value,
               struct err *e) MUST_CHECK; /* NULL deletes */
/* *value is NULL where the key is not set; caller frees. */
bool state_get(struct state *s, const char *key, char **value, struct err *e) MUST_CHECK;

/* The status as the engine last knew it; saving replaces it (one transaction). Loading an empty state gives
 * phase stopped. Errors of the status are not saved here: they come from the log. */
bool state_save_status(struct state *s, const struct status *st, struct err *e) MUST_CHECK;
bool state_load_status(struct state *s, struct status *st, struct err *e) MUST_CHECK;

/* The log: kept to the newest 10 000 lines. level: "error", "warn", "info". table and hint may be NULL. */
struct state_event {
    int64_t id;
    char *at, *level, *table, *message, *hint;
};
bool state_log(struct state *s, const char *level, const char *table, const char *message, const char *hint,
               struct err *e) MUST_CHECK;
/* The newest limit events after id `after` (0: all), oldest first; with errors_only of level error alone. */
bool state_log_read(struct state *s, int64_t after, int limit, bool errors_only, struct state_event **out,
                    size_t *count, struct err *e) MUST_CHECK;
void state_events_free(struct state_event *events, size_t count);

/* Fills st->errors with the newest n errors of the log that came after the last state_log_settle. */
bool state_load_errors(struct state *s, int n, struct status *st, struct err *e) MUST_CHECK;
/* The errors so far are over (the same work succeeded since): status no longer shows them, log does. */
bool state_log_settle(struct state *s, struct err *e) MUST_CHECK;

/* The batch history: kept to the newest 1 000. */
bool state_batch_add(struct state *s, const struct status *st, struct err *e) MUST_CHECK; /* st->last_batch */

/* Removes DIR/state.db and what stands beside it that repl made, and the directory when it is then empty. */
bool state_remove(const char *dir, struct err *e) MUST_CHECK;

#endif
