/*
 * SQLite for this room: statements from sql/state/ run with parameters, errors as struct err. Foreign to every
 * other room.
 */
#ifndef REPL_STATE_DB_H
#define REPL_STATE_DB_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "repl/err.h"

struct state {
    sqlite3 *db;
    char *dir;
    ino_t inode;     /* of the file */
    uint64_t *saved; /* digests of the status' tables as they were saved last, by place */
    size_t nsaved;   /* 0: not known */
};

/* A value of ?1, ?2, ... Text is borrowed until the statement is finalized. */
struct param {
    enum { PARAM_NULL, PARAM_INT, PARAM_REAL, PARAM_TEXT } type;
    int64_t i;
    double d;
    const char *s;
};

#define P_INT(v) ((struct param){.type = PARAM_INT, .i = (v)})
#define P_REAL(v) ((struct param){.type = PARAM_REAL, .d = (v)})
#define P_TEXT(v) param_text(v)
/* What is not known is negative here and NULL in the file. */
#define P_INT_KNOWN(v) ((v) < 0 ? (struct param){.type = PARAM_NULL} : P_INT(v))
#define P_REAL_KNOWN(v) ((v) < 0 ? (struct param){.type = PARAM_NULL} : P_REAL(v))

struct param param_text(const char *s); /* NULL gives NULL */

/* Fills *e from what SQLite said last. Returns false. */
bool db_fail(struct state *s, struct err *e);

/* One statement, bound and ready to step; the caller finalizes. */
bool db_prepare(struct state *s, const char *sql, const struct param *params, int n, sqlite3_stmt **out,
                struct err *e) MUST_CHECK;
bool db_bind(struct state *s, sqlite3_stmt *st, const struct param *params, int n, struct err *e) MUST_CHECK;
/* *row is false at the end. */
bool db_step(struct state *s, sqlite3_stmt *st, bool *row, struct err *e) MUST_CHECK;

/* One statement whose rows nobody wants. */
bool db_run(struct state *s, const char *sql, const struct param *params, int n, struct err *e) MUST_CHECK;
/* A script without parameters. */
bool db_script(struct state *s, const char *sql, struct err *e) MUST_CHECK;
/* Ends the transaction: COMMIT if ok, else ROLLBACK, which keeps *e. Returns whether all went well. */
bool db_end(struct state *s, bool ok, struct err *e) MUST_CHECK;

char *db_text(sqlite3_stmt *st, int col); /* copied; NULL for null */
int64_t db_int(sqlite3_stmt *st, int col, int64_t if_null);
double db_real(sqlite3_stmt *st, int col, double if_null);

#endif
