/* The statements that bring one table's batch into the target, and what their results mean. */
#ifndef REPL_FLOW_MERGE_H
#define REPL_FLOW_MERGE_H

#include "repl/flow.h"

enum step_kind { STEP_OTHER, STEP_DELETE, STEP_UPSERT, STEP_NAMES, STEP_POSITION };

/* A message of several statements, and for each of them whose rows its result counts. */
struct script {
    struct buf sql;
    struct script_step {
        enum step_kind kind;
        struct apply_table *table; /* or NULL */
    } * steps;
    size_t nsteps;
    enum { PLAN_AS_IT_IS, PLAN_FREE, PLAN_FEW, PLAN_LOOKUPS } plan; /* how the last of them are planned */
    const char *search_path; /* of the application, where it is to hold in this script; NULL: none */
    /* What EXECUTE in it wants prepared, see pg_keep. */
    struct arena *mem;
    const char *kept[PG_KEPT_MOST];
    size_t nkept;
};

/* Adds one statement; text may end with a semicolon or not. */
void script_add(struct script *s, enum step_kind kind, struct apply_table *t, const char *text);
/* The same, as a statement that the session keeps prepared: s->kept has to be kept before the script is sent. */
void script_add_kept(struct script *s, enum step_kind kind, struct apply_table *t, const struct kept *k);
/* The search_path under which the batch is read. */
const char *apply_read_path(const struct apply *ap);
void script_free(struct script *s);

/* "pg_temp"."repl_<id>_<layout>" */
char *stage_name(struct arena *a, const struct apply_table *t);
/* "present boolean, k1 ..., c1 ...": the stage's columns, of the target's types. */
char *stage_columns(struct arena *a, const struct apply_table *t);
/* What such a stage wants to be there first, if anything. */
void stage_row(struct buf *b, struct arena *a, const struct apply_table *t);

/* The statements that merge the stage into the table; kept where the table is to be; without the last of them, the insert,
 * where the table is counted. */
void merge_add(struct script *s, struct arena *a, struct apply_table *t);
/* That insert, in a later message of the same transaction. */
void merge_add_missing(struct script *s, struct arena *a, struct apply_table *t);
/* A staged row is one row of the target at most, since the key is the target's too: where as many rows were updated and
 * deleted as were staged, none is missing. */
bool merge_can_count(const struct apply_table *t);
/* So few rows that each is looked up, whatever the table holds. */
bool merge_is_small(const struct apply_table *t);
/* One statement: what is planned from here on to the end of the transaction looks rows up, and is planned once. */
extern const char plan_lookups[];
/* One command for all tables of the batch that were truncated; nothing where none was. */
void truncate_add(struct script *s, struct arena *a, struct apply_table *tables, size_t n);

#endif
