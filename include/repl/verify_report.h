/*
 * What `repl verify` found: the contract of verify --json, as plain data. The room verify fills it, the state file keeps it, the
 * command line prints it.
 */
#ifndef REPL_VERIFY_REPORT_H
#define REPL_VERIFY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A table's part. Strings here are malloc'ed; NULL where JSON shows null. */
struct verify_table {
    int id;
    char *schema, *name;
    char *state;         /* "comparing", "compared", "skipped", "failed" */
    char *reason;        /* why skipped or failed */
    char *planned_to;    /* the key up to which ranges were cut, as a line of COPY; NULL: none yet */
    bool planned;        /* all ranges were cut */
    int64_t ranges;      /* that were cut */
    int64_t left_out;    /* of these, by --sample */
    int64_t rows, bytes; /* compared; bytes of table, not of network */
    int64_t missing;     /* rows that the target lacks */
    int64_t extra;       /* rows that only the target has */
    int64_t different;
    int64_t repaired;  /* of these three, equal when looked at again */
    int64_t unsettled; /* changed each time they were looked at, or owed and not brought over */
};

struct verify_difference {
    int relation;
    char *table;           /* schema.name, also of a sequence */
    char *kind;            /* "missing", "extra", "different", "sequence" */
    char *key;             /* as a line of COPY; not loaded again */
    char *shown;           /* "id=5, zone=z1" */
    char *columns;         /* that differ, comma-separated, or NULL */
    char *source, *target; /* values, with --show-values alone */
    bool repaired;
};

/* What was not compared: one line and how many. */
struct verify_note {
    char *what;
    int64_t count;
};

struct verify_report {
    int64_t run;
    char *began_at, *ended_at; /* ISO 8601; ended_at NULL: not through */
    char *options;
    char *result; /* "equal", "differences", "incomplete" */
    double seconds;
    int64_t network; /* bytes received from both servers */
    struct verify_table *tables;
    size_t ntables;
    struct verify_difference *differences; /* the first of each table */
    size_t ndifferences;
    struct verify_note *notes;
    size_t nnotes;
};

void verify_table_free(struct verify_table *t);           /* what it holds, and zeroes it */
void verify_difference_free(struct verify_difference *d); /* what it holds */
/* Makes its texts what a terminal may show (str_visible). */
void verify_report_visible(struct verify_report *r);
void verify_report_free(struct verify_report *r); /* what it holds, and zeroes it */

/* Over all tables. */
struct verify_sums {
    int64_t rows, bytes, missing, extra, different, repaired, unsettled, ranges, left_out;
    size_t compared, skipped, failed;
    size_t sequences; /* that differ */
};
struct verify_sums verify_report_sums(const struct verify_report *r);

#endif
