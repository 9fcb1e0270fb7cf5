/* Preflight: everything that would fail later, asked first. Changes nothing on either side. */
#ifndef REPL_CHECK_H
#define REPL_CHECK_H

#include "repl/sync.h"

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
/* "warning: source: public.account: has no key (hint)", for people; in the arena. Of several tables it names the first
 * few: "warning: source: 4 tables (a, b, c ...): have no key (hint)". */
char *finding_line(const struct finding_group *g, struct arena *a);

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

#endif
