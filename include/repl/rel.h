/*
 * The nouns every room speaks. Plain data: nothing here does I/O. Strings belong to the arena that the
 * description was read into.
 */
#ifndef REPL_REL_H
#define REPL_REL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "repl/err.h"

/* The fork: a copy of the source, which the first copy may be read from. */
enum side { SIDE_SOURCE, SIDE_TARGET, SIDE_FORK };

const char *side_name(enum side s);   /* "source", "target", "fork" */
const char *side_option(enum side s); /* what it is given by: "--source", "--target", "--copy-from" */
/* On the way back (docs/fallback.md) rows go from the target of init to its source. People are told of the sides as
 * init named them all the time. Before threads are there. */
void side_names_turn(bool back);
bool side_is_turned(void);

struct column {
    const char *name;
    int number;            /* attnum: stays when the column is renamed */
    const char *type;      /* schema-qualified, with modifiers, as format_type() gives it */
    const char *base_type; /* the type under the domains; type where it is no domain */
    const char *bare_type; /* base_type without modifiers */
    uint32_t type_oid;
    bool is_domain;
    bool not_null;
    bool generated;       /* GENERATED ALWAYS AS ... STORED: never copied */
    bool identity_always; /* can be inserted (overriding) but not updated */
    bool binary_safe;     /* COPY BINARY carries it between servers without loss */
    bool in_unique;       /* stands in a unique or exclusion index other than the key, or makes what does */
    bool has_default;     /* or is an identity */
    const char *default_sql; /* where any other database can take it, too; else NULL */
};

struct key_column {
    size_t column; /* index into columns */
    /* "::pg_catalog.varchar::pg_catalog.text": the type under the domains, and the one that the operators take where that
     * is another. Every operand is cast so, literals too: a schema pins an operator's name, and the operands' types choose
     * among the operators of that name. */
    const char *as;
    const char *eq;                /* "OPERATOR(pg_catalog.=)", the equality of the key's index */
    const char *lt, *le, *ge, *gt; /* its order */
    const char
        *order; /* "USING OPERATOR(pg_catalog.<) NULLS LAST": what ORDER BY says to get that of the index */
    const char *collate; /* " COLLATE s.c" where the index has another collation than the column, else "" */
    const char *folds;   /* likewise where the column's own takes different texts for equal, else "" */
    /* "pg_catalog.hashint8extended(", or "...(ARRAY[": equal values of the type as have equal hashes; "": there is none */
    const char *hash;
};

enum key_kind {
    KEY_PRIMARY,
    KEY_UNIQUE, /* a unique index over NOT NULL columns */
    KEY_NONE    /* captured as dirty, copied whole */
};

enum trigger_kind {
    TRIGGER_STATEMENT,
    TRIGGER_ROW /* partitioned tables and inheritance trees */
};

/* A table as one server describes it. */
struct relation {
    int id;       /* repl's number for it, from the source; 0 until captured */
    uint32_t oid; /* on the server that described it */
    const char *schema;
    const char *name;
    const char *label; /* schema.name for people and patterns, unquoted */
    const char *sql;   /* "schema"."name", quoted for SQL */
    bool partitioned;  /* a partitioned root: rows live in its leaves */
    bool inherited;    /* has plain inheritance children or parents */
    bool unlogged;
    bool row_security;
    struct column *columns;
    size_t ncolumns;
    enum key_kind key_kind;
    struct key_column *key;
    size_t nkey;
    size_t nrange; /* leading key columns that one row comparison can order: what key ranges are made of */
    size_t rank;   /* tables that others refer to, or read in a check, come before these */
    int64_t bytes; /* heap and TOAST, of all leaves */
    int64_t rows_estimate; /* -1 when the server does not know */
    double row_bytes; /* of one row, on average: by statistics, or as its first copy found it; 0: not known */
    const char *shape;   /* what capture calls its columns and unique indexes; NULL until captured */
    size_t nkey_now;     /* captured without key, it has one now, of so many columns; else 0 */
    const char *key_was; /* the deltas hold values of this other key, quoted names; NULL: of its key */
    bool key_renamed;    /* columns of its key are named otherwise in capture's functions */
    bool capture_broken; /* columns that it reads are gone or have another type, or triggers are gone */
};

struct relations {
    struct relation *items;
    size_t count;
};

enum trigger_kind relation_trigger_kind(const struct relation *r);

/* The table of that schema and name, or NULL. */
struct relation *relations_find(const struct relations *l, const char *schema, const char *name);
const struct relation *relations_by_id(const struct relations *l, int id);
/* The target's table that is r: the one of its number (target_assign_ids), or of its name where that is nobody's yet; NULL:
 * there is none. Its name may be another. */
const struct relation *relations_twin(const struct relations *targets, const struct relation *r);
/* The one of that label, or NULL where none or more than one has it. */
const struct relation *relations_by_label(const struct relations *l, const char *label);
const struct column *relation_column(const struct relation *r, const char *name);
/* The column that the key has in place k, from 0. */
const struct column *relation_key(const struct relation *r, size_t k);
bool relation_key_has(const struct relation *r, const char *column);

/* Rows can go as COPY BINARY: every copied column is binary-safe. */
bool relation_binary(const struct relation *r);
/* It has values that are names of objects (regclass), whose text depends on search_path: they are read under pg_catalog alone. */
bool relation_names_objects(const struct relation *r);

/* The stage of a batch (flow/merge.c) has room for its columns beside the key's and one more. A table of a thousand columns
 * and more may have none: then they are one value there, in source and stage. */
bool relation_fits_stage(const struct relation *r);

/* row_bytes, or a guess where that is not known. Never below 1. The size of its file says nothing of it: dead rows and free
 * space are most of a queue's. */
double relation_row_bytes(const struct relation *r);

/*
 * The error is about the table: the statement that failed was one of its. What the server named (a partition, a table that a
 * trigger writes to) stands in the text. An earlier table of repl's stays. Returns false.
 */
bool err_relation(struct err *e, const struct relation *r);

/* Tables by their ids. */
struct ids {
    const int *items;
    size_t count;
};

bool ids_have(const struct ids *l, int id);

/* Where the history of the source is cut: see docs/architecture.md, "Positions". */
struct server_identity {
    char system_identifier[24]; /* decimal */
    int64_t timeline;
    uint32_t database; /* oid */
};

#endif
