/* What the servers hold. Reads, never writes a database. Descriptions live in the caller's arena. */
#ifndef REPL_CATALOG_H
#define REPL_CATALOG_H

#include "repl/pg.h"
#include "repl/rel.h"
#include "repl/str.h"

/* The oldest server repl works with: transition tables, txid functions and SECURITY DEFINER rules as it needs them. */
#define CATALOG_MIN_VERSION 130000

/* Which tables: names or patterns, "table", "schema.table", with * and ?. Empty tables: all of them. */
struct selection {
    struct strlist tables;
    struct strlist exclude;
    const char *own_schema; /* repl's schema, never selected */
};

bool selection_includes(const struct selection *s, const char *schema, const char *name);

/*
 * The one table of that name: schema.table, with or without SQL's quotes, or the table's name alone where one table has
 * it. ERR_CONFIG where there is none, with the nearest name, or more than one, with all of them.
 */
bool relations_named(const struct relations *all, const char *name, struct relation **out,
                     struct err *e) MUST_CHECK;
/* A pattern that can mean several tables. */
bool pattern_is_wild(const char *pattern);

/* Every pattern without wildcard means one table, as relations_named has it; the first that does not is the error. */
bool selection_check(const struct selection *s, const struct relations *all, struct err *e) MUST_CHECK;
/* The same, and each is replaced by schema.table, so that a table made later does not answer to the name as well. */
bool selection_resolve(struct selection *s, const struct relations *all, struct err *e) MUST_CHECK;

/* Keeps the selected ones. */
void selection_apply(const struct selection *s, struct relations *l);

/*
 * Every table that a user could replicate, in schema and name order: ordinary tables and partitioned roots (not
 * their leaves), no system, extension or temporary tables, none of own_schema. Three queries, whatever the number.
 */
bool catalog_read(struct conn *c, const char *own_schema, struct arena *a, struct relations *out,
                  struct err *e) MUST_CHECK;

/* Fills in the ranks of these tables. */
bool catalog_rank(struct conn *c, struct relations *l, struct arena *a, struct err *e) MUST_CHECK;

/* One text for all tables that a user could replicate, partitions, columns and unique indexes: another text, look again.
 * A hash, in the arena. */
bool catalog_outline(struct conn *c, const char *own_schema, struct arena *a, const char **out,
                     struct err *e) MUST_CHECK;

/* The leaves of a partitioned root, or the table itself: what is scanned. */
struct heap {
    uint32_t oid;
    const char *sql; /* quoted and qualified */
    uint32_t filenode;
    int64_t blocks;
    int64_t bytes; /* with TOAST */
};
struct heap_list {
    struct heap *items; /* largest first */
    size_t count;
    bool locked; /* somebody else has one of them: neither blocks nor bytes are known */
};
/* The heaps of n tables, out[i] those of tables[i]. One query, whatever the number. */
bool catalog_heaps(struct conn *c, const struct relation *const *tables, size_t n, struct arena *a,
                   struct heap_list *out, struct err *e) MUST_CHECK;

/*
 * Where to cut a heap by key, so that the first shares[i] of its rows come before keys[i]: the values of the leading
 * nrange columns as an array of text, or NULL where its sample was too small to tell. Ascending; none twice. One short query.
 */
bool catalog_cuts(struct conn *c, const char *search_path, const struct relation *r, const struct heap *h,
                  const double *shares, size_t n, struct arena *a, const char **keys,
                  struct err *e) MUST_CHECK;
/* The columns and operators that such keys belong to: another text, other ranges. */
char *catalog_range_key(struct arena *a, const struct relation *r);

/*
 * What an operator or a hash of a key is given (keys.c), as the type that it takes. side: the table on the server that
 * runs the SQL; r: the table whose key it is, which says which columns it has, and in which order. Both are the same on
 * the source; the target has its own operators, unless its table has another key.
 */
const struct key_column *key_terms(const struct relation *side, const struct relation *r, size_t k);
/* t."id"::pg_catalog.int8: the column in place k, from 0. */
void key_column_sql(struct buf *b, const struct relation *side, const struct relation *r, size_t k,
                    const char *prefix);
/* d.k1::pg_catalog.int8: what a delta table, a stage or a list of values calls it. */
void key_value_sql(struct buf *b, const struct relation *side, const struct relation *r, size_t k,
                   const char *prefix);
/* d.k1::t = t."id"::t AND ..., with the operators of the key's index; values and columns are the prefixes. */
char *key_join_sql(struct arena *a, const struct relation *side, const struct relation *r, const char *values,
                   const char *columns);

/* Statements that take every right on one of repl's schemas from everybody but its owner: the second is the first with the function
 * that does it in front, for a schema that is being made. The caller frees them. */
char *catalog_kept_out_sql(const char *schema);
char *catalog_keep_out_sql(const char *schema);

/* Roles and databases that give repl's mark to new sessions, as "ALTER ROLE x SET repl.origin; ..."; "": none. */
bool catalog_marks(struct conn *c, struct arena *a, const char **out, struct err *e) MUST_CHECK;

/* ---- repl's own schema (installation.c) ---- */

enum installed {
    INSTALLED_NOTHING, /* there is no schema of that name */
    INSTALLED_OTHERS,  /* one that is not repl's */
    INSTALLED_CAPTURE, /* as on a source */
    INSTALLED_TARGET
};

#define SYNC_ID_LEN 36 /* a UUID */

struct installation {
    enum installed kind;
    char sync_id[SYNC_ID_LEN + 1]; /* "": a cleanup has begun there */
    int64_t layout;
    char target_id[SYNC_ID_LEN + 1]; /* of the target's own tables: which one it is, wherever it stands */
    char target_name[320];           /* host:port/database, on the source: for people */
    char target_system[24 + 64];     /* system identifier and database, as the source's last init saw them */
    bool ready;                      /* on the source: an init has come to its end */
    char role[256];                  /* that this session logged in as */
    bool other_role;                 /* capture was installed by sessions of another */
};

/*
 * What stands in that schema. ERR_CONFIG where it is repl's and not everything in it belongs to this very role: another
 * role, even one that this one is a member of, could have put it there. On a fork any one owner will do that this role acts for.
 */
bool catalog_installation(struct conn *c, const char *schema, struct installation *out,
                          struct err *e) MUST_CHECK;
/* This version can work with it; ERR_CONFIG with what to do. Cleanup does not ask. */
bool installation_usable(const struct installation *in, struct conn *c, const char *schema,
                         struct err *e) MUST_CHECK;

bool catalog_identity(struct conn *c, struct server_identity *out, struct err *e) MUST_CHECK;
bool identity_equal(const struct server_identity *a, const struct server_identity *b);

/* Source and target are the same database. */
bool catalog_same_database(const struct server_identity *a, const struct server_identity *b);

/*
 * The target's table can take the source's rows: every copied column is there with the same type, and no further
 * one is NOT NULL without a default. Marks columns binary-safe on the source's side only where both agree.
 * ERR_CONFIG says which column differs and what to type.
 */
bool catalog_compatible(struct relation *source, const struct relation *target, struct err *e) MUST_CHECK;

/* Tables that others have locked so that nobody reads them, or are about to: their oids, a root's for its partitions. */
bool catalog_locked(struct conn *c, struct arena *a, uint32_t **oids, size_t *n, struct err *e) MUST_CHECK;
/*
 * A lock did not come in time (55P03): *e says on which side and table, who holds it and for how long, and how to end him. A
 * table that *e names already is asked for, else whoever holds any. Asks the server, outside of a transaction that failed.
 */
void catalog_blame(struct conn *c, struct err *e);
/* The server named a partition in *e: its root is the table. What was named stands in the text. Asks the server, outside of
 * a transaction that failed. */
void catalog_name_root(struct conn *c, struct err *e);
/* A statement failed since memory, or the lock table, was out (53200): what would do, as the hint. */
void catalog_name_shortage(struct conn *c, struct err *e);

/* Sessions that wait for a lock just now, of those with these process ids: why says for what and for whom, as above. */
struct lock_wait {
    int pid;
    struct err why;
};
bool catalog_waiting(struct conn *c, const int *pids, size_t n, struct arena *a, struct lock_wait **out,
                     size_t *count, struct err *e) MUST_CHECK;
/* The same for people: one line on who keeps triggers from the table (schema.name), or an empty text. */
void catalog_find_blocker(struct conn *c, const char *table, char *out, size_t size);

/* ---- the application's names (search_path.c) ---- */

/* The search_path of the application's sessions on the source, for transactions of repl on either side in which the
 * application's functions run: its rows are written, or its indexes planned with. The caller frees it. */
bool catalog_search_path(struct conn *source, char **out, struct err *e) MUST_CHECK;

#endif
