/*
 * The table of contents of a dump, as `pg_restore -l` prints it. repl decides here which entries go over, and in
 * which of its steps. Pure: no file, no server.
 *
 * Schema, name and owner of a line cannot be told apart when they hold blanks; so nothing is decided by them where
 * the catalog's own number of the object (class and oid on the source) can be used instead.
 */
#ifndef REPL_SCHEMA_TOC_H
#define REPL_SCHEMA_TOC_H

#include <stdint.h>

#include "repl/buf.h"
#include "repl/mem.h"

enum toc_step {
    TOC_PRE_DATA,    /* types, functions, tables: before the rows */
    TOC_INDEXES,     /* indexes, keys, statistics, and what waits for a key: after the rows */
    TOC_CONSTRAINTS, /* foreign keys, triggers, rules, policies: after the first catch-up */
    TOC_COMMENTS     /* last, since nothing waits for them */
};

struct toc_entry {
    int id;
    uint32_t class_oid, oid; /* 0, 0 where the entry is no object of its own */
    const char *kind;        /* "FK CONSTRAINT" */
    const char *rest;        /* schema, tag, owner: "public order order_fkey app" */
    const char *line;
    enum toc_step step;
    const char *left_out; /* why it does not go over; NULL: it goes */
    bool told;            /* left out for a reason that the user should hear */
    bool present;         /* on the target already */
    const char *sql;      /* what makes it, once script.c has asked */
};

struct toc {
    struct toc_entry *items;
    size_t count;
    struct toc_entry **by_number; /* those with class and oid, in that order */
    size_t numbered;
};

/*
 * Reads the list and leaves out what never goes over: what needs a superuser, names roles that the target lacks, or
 * would break there. Comment lines are skipped. ERR_OS where a line is none of pg_restore's.
 */
bool toc_parse(const char *text, struct arena *a, struct toc *out, struct err *e) MUST_CHECK;

/* The entry of that object, or NULL. */
struct toc_entry *toc_find(const struct toc *t, uint32_t class_oid, uint32_t oid);

/* Leaves the comment on a constraint out, which is not an entry with a number. */
void toc_leave_out_comment(struct toc *t, const char *schema, const char *constraint, const char *table);

/* Marks the object as on the target; attached: it is a partition of its parent there, too. */
void toc_present(struct toc *t, uint32_t class_oid, uint32_t oid, bool attached);

/* The entry is of that step, goes over, and is not there. */
bool toc_left(const struct toc_entry *it, enum toc_step step);

/* "{1259,2606}" and "{16501,16510}": class and oid of all objects, as arrays for SQL. */
void toc_numbers(const struct toc *t, struct buf *classes, struct buf *oids);

#endif
