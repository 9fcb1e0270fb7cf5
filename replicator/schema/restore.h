/* What every step that brings a part of the schema begins with: the archive, and what the target has of it. */
#ifndef REPL_SCHEMA_RESTORE_H
#define REPL_SCHEMA_RESTORE_H

#include "dump.h"
#include "repl/units.h"

struct restore {
    const struct sync *s;
    struct conn *source, *target;
    bool own_source;       /* made for this */
    struct pg_dump *ahead; /* or NULL */
    const struct interrupt *i;
    say_fn say;
    void *arg;
    struct arena *a; /* borrowed */
    struct tools tools;
    struct dump dump;
    int64_t lock_slots, memory_kb, own_kb;
    int workers, workers_each;
    const char *search_path; /* of the source's own sessions */
};

/* Without the archive tools and dump are empty: pg_dump need not be installed. */
bool restore_begin(struct restore *r, const struct units_wanted *w, bool archive, struct arena *a,
                   struct err *e) MUST_CHECK;
void restore_end(struct restore *r);

/* The SQL of the entries of a step that the target lacks. */
bool restore_script(struct restore *r, enum toc_step step, struct err *e) MUST_CHECK;

/* The units of a plan know what their server can take. */
void restore_limits_of(const struct restore *r, struct units *u);

/* "index public.a_v_idx" of a line of the table of contents. */
const char *restore_name(const struct toc_entry *it, struct arena *a);

/* ---- materialized views (matviews.c) ---- */

/* Units that refresh those views of the target that are filled on the source, each depth a stage after the one that it
 * reads; or with analyze those that gather statistics of the filled ones, all in that stage. */
bool matviews_add(struct restore *r, struct units *u, int stage, bool analyze, struct err *e) MUST_CHECK;

#endif
