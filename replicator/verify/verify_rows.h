/* Rows as they stream from one side, as 128-bit hashes, and what differs between two such sets. */
#ifndef REPL_VERIFY_ROWS_H
#define REPL_VERIFY_ROWS_H

#include "repl/hash.h"
#include "repl/pg.h"

/* Calls line for each line of the COPY OUT that c is in, without its newline, and ends the COPY and what is behind it.
 * bytes is raised by what came. */
bool copy_lines(struct conn *c, void (*line)(void *arg, const char *text, size_t len), void *arg,
                int64_t *bytes, struct err *e) MUST_CHECK;

struct row {
    struct hash128 key, row;
    const char *text; /* the key as a line of COPY; of a table without key the row, where it is wanted */
};

struct row_set {
    struct arena *mem; /* of the texts */
    size_t nkey;       /* fields in front that are the key; 0: the row itself is the key */
    bool keep_rows;    /* without a key: keep texts */
    struct row *items;
    size_t count, cap;
};

void row_set_line(void *arg, const char *text, size_t len); /* for copy_lines; arg is a row_set */
void row_set_free(struct row_set *s);

/* Sorts both and calls differs for each row of one that the other has not just so; NULL where there is none of that
 * key. Rows that are there several times are taken as often as they are. */
void row_set_compare(struct row_set *source, struct row_set *target,
                     void (*differs)(void *arg, const struct row *source, const struct row *target),
                     void *arg);

#endif
