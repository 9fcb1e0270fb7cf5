/* What the parts of preflight share. Each part is one noun: a file of steps that preflight.c lists in a table. */
#ifndef REPL_CHECK_PREFLIGHT_H
#define REPL_CHECK_PREFLIGHT_H

#include "findings.h"

/* One row of server_facts.sql. */
struct server_facts {
    bool known;                  /* the server was asked and answered */
    const char *database, *role; /* quoted */
    const char *encoding;
    bool may_create, schema_exists;
    int64_t max_prepared, large_objects, foreign_tables, event_triggers;
    const char *unreadable_sequences;
};

/* One row of table_facts.sql. */
struct table_facts {
    bool known; /* false for a table that went away meanwhile */
    bool owned;
    const char *owner;
    bool may_read, may_write, rows_hidden;
    const char *always, *replica, *foreign_partitions;
};

/* One row of sql/check/sizes.sql. */
struct sizes {
    bool known;
    int64_t tables, indexes, largest_index, database; /* bytes */
    int64_t heaps, nindexes;
};

/* Tables with what the server says of each, in the same order. */
struct table_list {
    struct relation *const *items;
    const struct table_facts *facts;
    size_t count;
};

struct look {
    const struct sync *s;
    struct conn *source, *target; /* NULL: cannot be asked */
    struct arena *a;
    struct findings *out;
    struct estimate *estimate;
    bool probe;
    struct relations tables;            /* the selected ones, as the source has them */
    struct relations target_tables;     /* all of the target's */
    struct table_list on_source_tables; /* l->tables */
    struct table_list there;            /* the target's tables that are l->tables' by name */
    struct server_facts facts[2];       /* by side */
    struct sizes sizes;
    struct capture capture;            /* what is installed on the source */
    struct target_state state;         /* and on the target */
    bool restored;                     /* the target holds capture's schema: it came with the rows */
    const struct relation **from_fork; /* what the fork gives of l->tables */
    size_t nfrom_fork;
    bool seed_judged; /* rows that are there are the seed's, and were looked at */
};

/* ---- steps: each asks one question and judges the answer. An error is a question that could not be asked. ---- */

typedef bool (*step_fn)(struct look *l, enum side side, struct err *e);

/* preflight_server.c: the two servers */
bool step_connection(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_version(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_database(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_encryption(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_clock(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_schema(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_connections.c: room for repl */
bool step_connections(struct look *l, enum side side, struct err *e) MUST_CHECK;
/* The same for a fork. */
bool look_at_seats(struct look *l, struct conn *c, struct err *e) MUST_CHECK;
bool step_locks(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_activity.c: what goes on there */
bool step_transactions(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_prepared(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_vacuum(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_text.c: encodings and collations */
bool step_encoding(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_collation(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_tables.c: the source's tables */
bool step_tables(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_keys(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_columns_source(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_unlogged(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_foreign_tables(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_left_behind(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_rights.c: who may do what */
bool step_privileges(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_row_security(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_grants(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_target.c: the target's tables */
bool step_target_tables(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_rows(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_triggers(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_fork.c, preflight_seed.c: copies of the source */
bool step_fork(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_seed(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_schema.c: what the schema needs on the target */
bool step_tools(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_extensions(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_policy_roles(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_schemas(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_functions.c: what the application's functions name */
bool step_functions(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_before.c: what is there before the rows */
bool step_search_path(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_indexes_before(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_settings.c */
bool step_settings(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_role_settings(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_trust.c */
bool step_definers(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_exemption(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_space.c */
bool step_sizes(struct look *l, enum side side, struct err *e) MUST_CHECK;
bool step_disk(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* preflight_wire.c */
bool step_wire(struct look *l, enum side side, struct err *e) MUST_CHECK;

/* ---- helpers ---- */

struct conn *look_conn(const struct look *l, enum side side);

/* Text and hint are copied; they come from arena_printf or are literals. side "" stands for both. */
void look_add(struct look *l, enum finding_level level, const char *topic, const char *side,
              const char *table, const char *text, const char *hint);

void look_ok(struct look *l, const char *topic, const char *side, const char *fmt, ...) PRINTF(4, 5);

/* What the server says of these tables. */
bool read_table_facts(struct look *l, struct conn *c, struct relation *const *tables, size_t n,
                      const struct table_facts **out, struct err *e) MUST_CHECK;

/* The tables as an array of oids, in the arena. */
const char *table_oids(struct look *l, const struct relations *tables);

/* ERR_CONFIG where the source's deltas were truncated for another target than this one. */
bool deltas_are_whole(struct look *l, struct err *e) MUST_CHECK;

/* ---- judgements; pure ---- */

/* Seconds by which one clock is ahead of another; err is by how much the measurement may be off. */
enum finding_level clock_level(double ahead, double err);

enum finding_level encryption_level(bool encrypted, bool same_machine);

struct seats {
    int64_t open;                 /* max_connections less what is reserved for superusers */
    int64_t role_limit, db_limit; /* -1: none */
    int64_t used, used_role, used_db;
};
/* How many more sessions this role may open now, and which limit says so ("max_connections", ...). */
int64_t seats_free(const struct seats *s, const char **limit, int64_t *of);

#endif
