/* What the two halves of preflight share. */
#ifndef REPL_OPS_PREFLIGHT_H
#define REPL_OPS_PREFLIGHT_H

#include "findings.h"

/* One row of server_facts.sql. */
struct server_facts {
    const char *database, *role; /* quoted */
    const char *encoding, *collation;
    bool may_create, schema_exists;
    int64_t max_prepared, large_objects, foreign_tables, event_triggers;
    const char *unreadable_sequences;
};

/* One row of table_facts.sql. */
struct table_facts {
    uint32_t oid;
    bool owned;
    const char *owner;
    bool may_read, may_write, rows_hidden;
    const char *always, *foreign_partitions;
};

struct look {
    const struct sync *s;
    struct conn *source, *target;
    struct arena *a;
    struct findings *out;
    struct relations tables;        /* the selected ones, as the source has them */
    struct relations target_tables; /* all of the target's */
    struct server_facts on_source, on_target;
    struct capture capture;    /* what is installed on the source */
    struct target_state state; /* and on the target */
};

bool preflight_source(struct look *l, struct err *e) MUST_CHECK;
bool preflight_target(struct look *l, struct err *e) MUST_CHECK;
bool preflight_schema(struct look *l, struct err *e) MUST_CHECK;

/* ---- helpers of both ---- */

bool read_server_facts(struct look *l, struct conn *c, struct server_facts *out, struct err *e) MUST_CHECK;
/* In the order of the server's answer; tables that went away meanwhile are missing. */
bool read_table_facts(struct look *l, struct conn *c, const struct relation *const *tables, size_t n,
                      struct table_facts **out, size_t *count, struct err *e) MUST_CHECK;

/* Which of the tables hold a row; out has room for all. */
bool tables_with_rows(struct conn *target, const struct relation *const *tables, size_t n,
                      const struct relation **out, size_t *count, struct err *e) MUST_CHECK;

/* What the target knows of the table, or NULL. */
const struct target_relation *target_relation_of(const struct target_state *state, const struct relation *r);

/* This sync has put rows into the table, or found that there are none: what it holds is this sync's. */
bool target_began(const struct target_state *state, const struct relation *r);

/* Text and hint are printf-style results from the arena. */
void look_add(struct look *l, enum finding_level level, const char *topic, const char *side,
              const char *table, const char *text, const char *hint);

#endif
