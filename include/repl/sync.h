/*
 * One sync: what init was told, its connections, and where the tables of its target stand. What every step that a person
 * would do begins with.
 */
#ifndef REPL_SYNC_H
#define REPL_SYNC_H

#include "repl/capture.h"
#include "repl/flow.h"
#include "repl/state.h"

enum { JOBS_MOST = 64 };

/*
 * One sync: what init was told. On the way back (docs/fallback.md) it is a sync like another, in the other direction:
 * source is where the application writes, target the old source, schema the way back's own.
 */
struct sync {
    char *dir;                  /* the state directory */
    char *source, *target;      /* connection specs as given */
    char *schema;               /* repl's, on both sides */
    char *twin;                 /* that of the other direction */
    bool back;                  /* the way back */
    struct selection selection; /* own_schema is schema */
    int jobs;                   /* 1 to JOBS_MOST workers */
    int64_t max_rate;           /* bytes a second read from the source by all jobs together; 0: unlimited */
    bool auto_add;              /* new tables of the source join once the target has them */
    bool no_schema;             /* the target's tables are made by somebody else */
    bool allow_plain;           /* sslmode=prefer and allow hold for other machines, too */
    unsigned
        lock_wait_ms; /* of this command: how long others may keep a table of the source locked in all; 0: no limit */
    bool keep_always;   /* triggers and rules that are ENABLE ALWAYS on the source stay so on the target */
    bool overwrite;     /* tables that hold rows on the target are emptied first */
    bool seeded;        /* the target was restored from a copy of the source that capture was in */
    bool change_target; /* the source is moved to this target from now on, not to the one before */
    bool recreate;      /* what repl made on the target is dropped first */
    /* Where the first copy is read from: a fork's spec, COPY_FROM_SOURCE where the source was named, NULL: nobody said. */
    char *copy_from;
    const struct interrupt *interrupt; /* of a command, which ends what sync_connect() opened; or NULL */
};

#define COPY_FROM_SOURCE "source"

/* The fork's spec, or NULL where rows come from the source itself. */
const char *sync_fork(const struct sync *s);

bool sync_save(const struct sync *s, struct state *st, struct err *e) MUST_CHECK;
/* Jobs and max_rate alone. */
bool sync_save_pace(const struct sync *s, struct state *st, struct err *e) MUST_CHECK;
/* The sync's selection includes that table from now on, and the state file knows. */
bool sync_selects(struct sync *s, const char *label, struct state *st, struct err *e) MUST_CHECK;
/* The state file has settings of an init: what a killed one left empty counts as no state at all. */
bool sync_known(struct state *st, bool *known, struct err *e) MUST_CHECK;
/* As init was told, in whatever direction the changes go. */
bool sync_load(struct state *st, struct sync *out, struct err *e) MUST_CHECK;
/* The same in the direction that the state file knows. */
bool sync_load_way(struct state *st, struct sync *out, struct err *e) MUST_CHECK;
/* Turns it around. */
void sync_turn(struct sync *s);
/* Names both schemas after repl's as init was told it. */
void sync_name_schemas(struct sync *s, const char *schema);
void sync_free(struct sync *s);

/* Opens a connection of this sync for a command: side, purpose and session settings as the commands need them. */
bool sync_connect(const struct sync *s, enum side side, const char *purpose, struct conn **out,
                  struct err *e) MUST_CHECK;

/* How a long command speaks; text is one line. */
typedef void (*say_fn)(void *arg, const char *text);

/* ---- whether two databases are a sync (pair.c) ---- */

/* Both belong to this sync and to each other, an init has come to its end, and there is a table: what every command asks before
 * it acts on them. ERR_CONFIG with what to type. */
bool sync_is_whole(const struct sync *s, const struct capture *c, const struct target_state *t,
                   struct err *e) MUST_CHECK;

/* Which target the source's record means. */
enum target_is {
    TARGET_FIRST, /* none was named yet */
    TARGET_SAME,
    TARGET_UNMADE, /* the same, but an init was killed before it had made repl's tables there */
    TARGET_LOST,   /* the same database, but repl's tables are gone from it */
    TARGET_OTHER
};

/* A target for the source's record. */
struct target_name {
    char system[88]; /* server and database, by what does not change with a name */
    char *shown;     /* host:port/database */
};
bool sync_name_target(const struct sync *s, struct conn *target, struct target_name *out,
                      struct err *e) MUST_CHECK;
void target_name_free(struct target_name *n);
enum target_is sync_judge_target(const struct capture *c, const struct target_state *t,
                                 const struct target_name *n);

/* ---- the target's tables (positions.c) ---- */

/* Where the target's tables stand; strings are borrowed from t. */
struct positions target_positions(const struct target_state *t, struct arena *a);

/* What the target knows of the table, or NULL: by its number, or by the name that it joined with where no engine has found the
 * target's table yet. */
const struct target_relation *target_relation_of(const struct target_state *state, const struct relation *r);

/* This sync has put rows into the table, or found that there are none: what it holds is this sync's. */
bool target_began(const struct target_state *state, const struct relation *r);

/* Which of the target's tables hold a row; out has room for all. The source tells the search_path of the application. */
bool tables_with_rows(struct conn *source, struct conn *target, const struct relation *const *tables,
                      size_t n, const struct relation **out, size_t *count, struct err *e) MUST_CHECK;

#endif
