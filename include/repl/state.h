/*
 * The state file: DIR/state.db, SQLite. What the operator sees while the engine is down, the settings of the sync,
 * the log. A convenience, never the truth (invariant I5): the positions stand on the target, what is owed on the
 * source. Used by one thread: the engine's loop, or a command.
 */
#ifndef REPL_STATE_H
#define REPL_STATE_H

#include "repl/err.h"
#include "repl/mem.h"
#include "repl/status.h"
#include "repl/verify_report.h"

struct state;

/*
 * Opens DIR/state.db. With create the directory (mode 0700) and file (0600) are made where missing; without,
 * a missing one is ERR_STATE with the hint to run `repl init` or give -D. Migrates the schema (sql/state/NNN_*.sql).
 * A directory that others may read, or that is not this user's, is refused, and so are files in it that another user owns.
 */
bool state_open(const char *dir, bool create, struct state **out, struct err *e) MUST_CHECK;
void state_close(struct state *s); /* NULL is fine */
const char *state_dir(const struct state *s);
/* False where what DIR says would be another user's to say: before anything in it is opened. A missing one is fine. */
bool state_dir_trusted(const char *dir, struct err *e) MUST_CHECK;

/* ---- where the file is lost ---- */

/* Whether the file that is open is still the one in DIR. */
bool state_is_there(const struct state *s);
/* Makes DIR and an empty file there, which is the open one from now on. */
bool state_make_again(struct state *s, struct err *e) MUST_CHECK;

enum state_fault {
    STATE_GOOD,
    STATE_MISSING,  /* the file, or the directory */
    STATE_EMPTY,    /* it knows of no sync */
    STATE_BROKEN,   /* it is none, or damaged */
    STATE_NEWER,    /* a newer repl wrote it */
    STATE_UNUSABLE, /* for other reasons, which state_open names */
};
enum state_fault state_examine(const char *dir);
/* Every setting that can still be read of a file that cannot be opened. */
void state_remains(const char *dir, void (*setting)(void *arg, const char *key, const char *value),
                   void *arg);
/* Renames the file within DIR; *name (caller frees): to what. */
bool state_put_aside(const char *dir, char **name, struct err *e) MUST_CHECK;
/* The layout that this program knows. */
int state_layout(void);

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

/* How long the first copy took (state_timing.c). Loading gives the steps in their order, then the slowest tables and indexes. */
bool state_timing_add(struct state *s, const struct status_timing *t, struct err *e) MUST_CHECK;
bool state_timing_clear(struct state *s, struct err *e) MUST_CHECK;
bool state_load_timings(struct state *s, struct status *st, struct err *e) MUST_CHECK; /* st->timings */

/* ---- comparisons (state_verify.c): the newest ten are kept ---- */

/* A part of a table, between two keys (lines of COPY; NULL: from the beginning, to the end). */
struct verify_range {
    int64_t number;
    const char *from, *to;
};

/* A key to look at again. */
struct verify_key {
    int64_t id; /* 0: not kept yet */
    int relation;
    const char *key; /* as a line of COPY */
    bool repaired;   /* it differed, and is to be repaired: told already */
};

/* What one step of a comparison found; saved whole or not at all, with the table's counts. */
struct verify_step {
    int64_t range; /* that was compared, or -1 */
    struct verify_key *keys;
    size_t nkeys; /* to look at again */
    int64_t *dropped;
    size_t ndropped; /* ids of keys that need not be looked at again */
    const char **repaired;
    size_t nrepaired; /* keys whose rows are equal since they were repaired */
    struct verify_difference *differences;
    size_t ndifferences;
};

/* Goes on with the newest run when it has not ended and has the same options, unless again; else begins one. */
bool state_verify_begin(struct state *s, const char *options, bool again, int64_t *run, bool *resumed,
                        struct err *e) MUST_CHECK;
/* A note of a run behind the fence of a cutover, where what differs may be what the application wrote since. */
#define VERIFY_NOTE_FENCED "what was written to the target since the cutover: it shows as differences"
/* In notes that name a sequence which was set back on the source: what sets the target's follows. */
#define VERIFY_NOTE_SET_BACK "to set it back, at the target: "
bool state_verify_note(struct state *s, int64_t run, const char *what, int64_t count,
                       struct err *e) MUST_CHECK;
bool state_verify_table(struct state *s, int64_t run, const struct verify_table *t, struct err *e) MUST_CHECK;
/* The table with how far it is cut, and the range that was; added may be NULL. */
bool state_verify_planned(struct state *s, int64_t run, const struct verify_table *t,
                          const struct verify_range *added, struct err *e) MUST_CHECK;
bool state_verify_step(struct state *s, int64_t run, const struct verify_table *t,
                       const struct verify_step *step, struct err *e) MUST_CHECK;
/* A difference that is no row's. */
bool state_verify_difference(struct state *s, int64_t run, const struct verify_difference *d, bool repaired,
                             struct err *e) MUST_CHECK;
/* Adds seconds and network bytes of r to what earlier parts of the run took. */
bool state_verify_end(struct state *s, const struct verify_report *r, const char *result,
                      struct err *e) MUST_CHECK;

bool state_verify_ranges(struct state *s, int64_t run, int relation, struct arena *a,
                         struct verify_range **out, size_t *count, struct err *e) MUST_CHECK;
bool state_verify_keys(struct state *s, int64_t run, int64_t behind, int64_t to, int limit, struct arena *a,
                       struct verify_key **out, size_t *count, struct err *e) MUST_CHECK;
/* relation 0: of all tables. *last: the largest id. */
bool state_verify_key_count(struct state *s, int64_t run, int relation, int64_t *count, int64_t *last,
                            struct err *e) MUST_CHECK;
/* run 0: the newest that is through. Caller frees with verify_report_free where found. */
bool state_verify_load(struct state *s, int64_t run, struct verify_report *out, bool *found,
                       struct err *e) MUST_CHECK;

/* What is known of one table from all comparisons that are kept. */
struct verify_standing {
    const char *schema, *name;
    double age; /* seconds since all of it was compared; negative: never, there were only samples */
    int64_t rows, unsettled;
    bool incomplete;   /* of that run's result */
    int64_t differing; /* rows that were not repaired, samples since then among them */
};
/* By schema and name, in bytes' order; a table that was never compared is not in it. */
bool state_verify_standing(struct state *s, double now, struct arena *a, struct verify_standing **out,
                           size_t *count, struct err *e) MUST_CHECK;

/* Whether anything is there that state_remove would remove. */
bool state_files(const char *dir);
/* Removes DIR/state.db and what stands beside it that repl made, and the directory when it is then empty. */
bool state_remove(const char *dir, struct err *e) MUST_CHECK;

#endif
