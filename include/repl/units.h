/*
 * The steps after the load, as units of work: what is still to be made on the target (indexes, keys, foreign keys,
 * triggers, materialized views' rows, statistics), each unit one transaction that can be run again. Whoever has
 * workers gives the units out; this room knows what they are, and how many at a time a server can take.
 */
#ifndef REPL_UNITS_H
#define REPL_UNITS_H

#include "repl/interrupt.h"
#include "repl/sync.h"

struct pg_dump;

enum unit_kind {
    UNIT_INDEX,       /* builds indexes: what takes the time */
    UNIT_KEY,         /* makes a constraint of an index that was just built: short */
    UNIT_OBJECT,      /* makes anything else: short */
    UNIT_FOREIGN_KEY, /* adds foreign keys, NOT VALID where that can be: short then */
    UNIT_VALIDATE,    /* looks whether a foreign key holds */
    UNIT_COMMENT,
    UNIT_REFRESH, /* fills a materialized view */
    UNIT_ANALYZE
};

/* From here on each index of a table is a unit. */
enum { UNIT_LARGE_BYTES = 8 << 20 };

struct unit {
    enum unit_kind kind;
    const char *what;  /* "index public.account_mail" */
    const char *table; /* schema.name where it is about one table, else "" */
    const char **sql;  /* run one after the other, in one transaction */
    size_t nsql;
    int stage;     /* all units of a stage have ended before one of the next begins */
    bool serial;   /* in its stage no other unit is at work */
    bool alone;    /* no two units of one table at a time */
    bool early;    /* needs the rows of its table, and nothing else of its stage or those before */
    int64_t bytes; /* of the table: the largest first */
};

struct units {
    struct unit *items; /* by stage, then largest first */
    size_t count;
    const char *search_path; /* the one that the source's own sessions have: for functions that rely on it */
    int64_t memory_kb;       /* for all sorts together */
    int64_t own_kb;          /* what the server's own setting gives to each */
    int workers;             /* for all together */
    int workers_each;        /* what the server's own setting gives to each; 0: none are wished for */
};

/* What one unit may take of the server while so many are at work. Pure. */
struct unit_share {
    int64_t sort_kb; /* maintenance_work_mem */
    int workers;     /* max_parallel_maintenance_workers */
};
struct unit_share units_share(const struct units *u, size_t at_a_time);

/* What a plan is made from. */
struct units_wanted {
    const struct sync *s;
    struct conn *source; /* NULL: one is made for the time */
    struct conn *target;
    struct pg_dump *ahead;          /* of the schema, where it was begun; else NULL */
    const struct relations *tables; /* of the sync */
    bool early; /* their rows are not all there yet: the source says how large they will be */
    const struct interrupt *i;
    say_fn say;
    void *arg;
};

/* Each asks what is there already, and plans the rest. out is in the arena. */
typedef bool (*units_fn)(const struct units_wanted *w, struct arena *a, struct units *out, struct err *e);
/* Indexes, primary keys, unique and exclusion constraints, and what waits for them. */
bool units_indexes(const struct units_wanted *w, struct arena *a, struct units *out,
                   struct err *e) MUST_CHECK;
/* Triggers, rules, policies; foreign keys; comments; materialized views. */
bool units_constraints(const struct units_wanted *w, struct arena *a, struct units *out,
                       struct err *e) MUST_CHECK;
/* The materialized views alone. */
bool units_matviews(const struct units_wanted *w, struct arena *a, struct units *out,
                    struct err *e) MUST_CHECK;
/* ANALYZE of every table of the sync, and of the materialized views that are filled. */
bool units_analyze(const struct units_wanted *w, struct arena *a, struct units *out,
                   struct err *e) MUST_CHECK;

/*
 * Runs one unit: all of it is committed, or nothing. say gets what was not done although nothing failed: a comment,
 * a view's rows, a foreign key that the rows do not keep, are not worth a migration that stops.
 */
bool unit_run(const struct unit *unit, const struct units *all, struct unit_share share, struct conn *target,
              say_fn say, void *arg, struct err *e) MUST_CHECK;

/* ---- what the server says of those at work ---- */

struct unit_progress {
    int pid;
    const char *phase; /* "building index: scanning table" */
    double fraction;   /* of that phase; negative: not known */
};

/* From pg_stat_progress_create_index and pg_stat_progress_analyze, for sessions of this role. */
bool units_progress(struct conn *target, struct arena *a, struct unit_progress **out, size_t *count,
                    struct err *e) MUST_CHECK;

/* How many of this role's sessions have a COPY from repl under way there, and how many of those wait for rows. */
bool copy_waits(struct conn *target, int *sessions, int *waiting, struct err *e) MUST_CHECK;

#endif
