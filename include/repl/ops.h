/*
 * Steps a person would do, usable with no engine running: preflight, init, schema, sequences, cleanup.
 */
#ifndef REPL_OPS_H
#define REPL_OPS_H

#include "repl/capture.h"
#include "repl/flow.h"
#include "repl/state.h"

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
    int jobs;
    int64_t max_rate; /* bytes a second read from the source by all jobs together; 0: unlimited */
    bool auto_add;    /* new tables of the source join once the target has them */
    bool no_schema;   /* the target's tables are made by somebody else */
    bool overwrite;   /* tables that hold rows on the target are emptied first */
    bool seeded;      /* the target was restored from a copy of the source that capture was in */
    /* Where the first copy is read from: a fork's spec, COPY_FROM_SOURCE where the source was named, NULL: nobody said. */
    char *copy_from;
};

#define COPY_FROM_SOURCE "source"

/* The fork's spec, or NULL where rows come from the source itself. */
const char *sync_fork(const struct sync *s);

bool sync_save(const struct sync *s, struct state *st, struct err *e) MUST_CHECK;
/* Jobs and max_rate alone. */
bool sync_save_pace(const struct sync *s, struct state *st, struct err *e) MUST_CHECK;
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

/* Where the target's tables stand; strings are borrowed from t. */
struct positions target_positions(const struct target_state *t, struct arena *a);

/* ---- preflight ---- */

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_BLOCKER };

const char *finding_level_name(enum finding_level l); /* "ok", "warning", "blocker" */

struct finding {
    enum finding_level level;
    const char *topic; /* one of preflight_topic()'s */
    const char *side;  /* "source", "target" or "" */
    const char *table; /* schema.name or "" */
    const char *text;
    const char *hint; /* what to type, or "" */
};

struct findings {
    struct finding *items;
    size_t count;
};

/* Findings that say the same of several tables, for people: thousands of tables are not thousands of lines. */
struct finding_group {
    const struct finding *first;
    const char **tables; /* those named; empty where the finding is of no table */
    size_t ntables;
    size_t alike; /* findings of this topic and side that are left out behind this one, too many to list */
};

/* The findings of that level in groups, in the order of their first; in the arena. Pure. */
void findings_group(const struct findings *f, enum finding_level level, struct arena *a,
                    struct finding_group **out, size_t *count);
/* "source: public.a", or "source: 7 tables (public.a, public.b ...)"; "" where it is of neither. In the arena. */
char *finding_where(const struct finding_group *g, struct arena *a);

/* What a copy will take. What is not known is negative. */
struct estimate {
    int64_t bytes;       /* of the tables to copy, as the source stores them, TOAST included */
    int64_t index_bytes; /* of their indexes there */
    int connections;     /* on each side, at the same time */
    struct {
        double bytes_per_second; /* of COPY, all connections together */
        double round_trip;       /* seconds */
    } source, target;            /* source: where the rows come from */
    bool from_fork; /* and not from the source itself; the round trip is the source's all the same */
    double index_bytes_per_second;
    double copy_seconds, index_seconds;
};

struct preflight {
    struct findings found;
    struct estimate estimate;
};

/* Connects to both sides, looks at all there is to see and changes nothing. Everything found is in out, in the arena;
 * a question that a server does not answer is a finding, too, and the next one is asked. With probe a few seconds of
 * COPY measure the wire. */
void preflight_check(const struct sync *s, bool probe, struct arena *a, struct preflight *out);

/* The same over connections that are there already, without the probe. NULL: that side cannot be asked. */
void preflight_run(const struct sync *s, struct conn *source, struct conn *target, struct arena *a,
                   struct preflight *out);

/* ERR_CONFIG with the first blocker's text and hint, and how many more there are; true where there is none. */
bool findings_pass(const struct findings *f, struct err *e) MUST_CHECK;

/* What preflight looks at, in its order; false after the last. For the manual and its tests. */
struct preflight_topic {
    const char *topic, *sides, *text;
};
bool preflight_topic(unsigned i, struct preflight_topic *out);

/* How many sessions there may be besides those that are not repl's: what repl has already counts as free. */
bool connections_for_repl(struct conn *c, int64_t *out, struct err *e) MUST_CHECK;

/* ---- init ---- */

struct init_report {
    size_t tables;   /* in the sync */
    size_t captured; /* by this call */
    size_t without_key;
    size_t from_fork;  /* are copied from a fork */
    int64_t bytes;     /* to copy */
    bool adopted;      /* an installation was there */
    bool seed_awaited; /* the target is to be restored now, and then comes another init */
};

/* How a long command speaks; text is one line. */
typedef void (*say_fn)(void *arg, const char *text);

/* Preflight, schema, capture, plan: all of `repl init`. Can be run again: it continues, adopts, adds new tables. */
bool init_run(const struct sync *s, struct state *st, say_fn say, void *arg, struct init_report *out,
              struct err *e) MUST_CHECK;

struct add_options {
    bool only_if_there; /* the target's table is not made, whatever the sync says */
    bool lock;          /* no engine runs: keep others out */
    const struct interrupt *interrupt;
    say_fn say;
    void *arg;
};

/* One more table joins the sync: its schema comes over where the target has none, capture is installed, and what follows
 * the rows is looked at again; the rows come with the engine. *added is its label, the caller frees it. */
bool init_add(const struct sync *s, const char *label, const struct add_options *o, char **added,
              struct err *e) MUST_CHECK;
/* The sync's selection includes that table from now on, and the state file knows. */
bool sync_selects(struct sync *s, const char *label, struct state *st, struct err *e) MUST_CHECK;
/* ---- a fork to copy from (fork.c) ---- */

/* It is a fork of the source, made after capture was installed. Of a relation that it does not have as the source has it
 * now, unfit says why it has to wait, and what to do; one each, of kind ERR_NONE where it fits. */
bool fork_fits(struct conn *fork, struct conn *source, const struct capture *c, const struct relations *l,
               struct err *unfit, struct err *e) MUST_CHECK;
/* The relations are on the source what they were when their shapes were read, so the fork's rows are theirs. */
bool fork_fits_still(struct conn *source, const struct capture *c, const struct relations *l,
                     struct err *e) MUST_CHECK;
/* Nobody has written to these relations of the fork. Their deltas on the source must still be whole. */
bool fork_stood_still(struct conn *fork, struct conn *source, const struct capture *c,
                      const struct relations *l, struct err *e) MUST_CHECK;

/* ---- sequences ---- */

struct sequence {
    const char *schema, *name;
    const char *sql; /* quoted and qualified */
    int64_t value;
    bool called; /* nextval was ever called; value is meaningless where not */
    bool up;
};

struct sequences {
    struct sequence *items;
    size_t count;
};

/* Every sequence of the database but repl's own, in name order; one query. */
bool sequences_read(struct conn *c, const char *own_schema, struct arena *a, struct sequences *out,
                    struct err *e) MUST_CHECK;
/* target now has these values. Pure. */
void sequences_note(struct sequences *target, const struct sequence_value *set, size_t count);
/* Those of source that target has and that stand further on there: what to set. Pure. */
void sequences_ahead(const struct sequences *source, const struct sequences *target, struct arena *a,
                     struct sequence_value **out, size_t *count);

/* ---- verify (docs/verify.md) ---- */

struct verify_progress {
    int64_t bytes_done, bytes_total; /* of table */
    int64_t rows, differences;
    int64_t keys;             /* to be looked at again */
    double rate, eta_seconds; /* bytes a second; negative: not known */
};

/* How far the engine came when it was asked to bring what is owed. */
enum verify_settled {
    VERIFY_NO_ENGINE,
    VERIFY_NOT_BROUGHT, /* it runs, but is paused, waits for something, or is at a long backlog */
    VERIFY_BROUGHT      /* all that was committed on the source when it was asked */
};

struct verify_options {
    const struct sync *sync; /* borrowed, as all of these */
    struct state *state;
    const struct strlist *tables; /* names or patterns; empty: all */
    int jobs;
    int64_t max_rate;   /* bytes of table a second; 0: as fast as it goes */
    double sample;      /* the part of the ranges that is compared, 1: all */
    int64_t range_rows; /* rows a range; 0: by size */
    bool repair, show_values, again;
    const struct interrupt *interrupt; /* may be NULL; what was found by then is kept */
    /* Brings what is owed now, or as much as comes in a moment. */
    enum verify_settled (*settle)(void *arg);
    /* Called now and then. May be NULL. */
    void (*progress)(void *arg, const struct verify_progress *p);
    void *arg;
};

/* Compares, and keeps the report in the state file as run (see state_verify_load). A run that was interrupted goes on
 * where it was, unless again. Differences are no error. *run is 0 where nothing began. */
bool verify_run(const struct verify_options *o, int64_t *run, struct err *e) MUST_CHECK;

/* ---- cleanup ---- */

/* What cleanup would remove, one line each; works without state where source and target are given. */
bool cleanup_list(const struct sync *s, struct arena *a, struct strlist *out, struct err *e) MUST_CHECK;
struct cleanup_how {
    bool emergency; /* in haste, and repl's own sessions on both sides are ended */
    say_fn say;
    void (*application_is_free)(void *arg); /* called once capture does nothing on either side; may be NULL */
    void *arg;
};

/* Removes it: source, target, then the state directory's files. Can be run again. */
bool cleanup_run(const struct sync *s, const struct cleanup_how *how, struct err *e) MUST_CHECK;

#endif
