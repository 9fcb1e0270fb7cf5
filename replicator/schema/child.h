/* A child process: pg_dump and pg_restore, with nothing secret in its arguments. */
#ifndef REPL_SCHEMA_CHILD_H
#define REPL_SCHEMA_CHILD_H

#include "repl/buf.h"
#include "repl/interrupt.h"

struct child {
    const char *const *argv;  /* argv[0] is a path; ends with NULL */
    const char *password;     /* becomes PGPASSWORD; NULL leaves the environment's own */
    const char *service_file; /* becomes PGSERVICEFILE; NULL leaves it as it is */
    const struct interrupt
        *interrupt; /* kills the child when raised; NULL: it shares our terminal's signals */
    /* Asked each half patience while the child says nothing: false ends it, and is its error. NULL: nobody is asked. */
    bool (*alive)(void *arg, struct err *e);
    void *arg;
    struct buf *out; /* gets its standard output; NULL: dropped */
};

/*
 * Runs the child to its end. Fails when it fails, with the last error that it wrote to its standard error
 * (child_error); ERR_STOPPED when it was interrupted. Blocks.
 */
bool child_run(const struct child *c, struct err *e) MUST_CHECK;

/* The same in two: begun, it goes on beside us until it is waited for (c must live as long), or given up. NULL is fine
 * for child_give_up. */
struct run;
bool child_begin(const struct child *c, struct run **out, struct err *e) MUST_CHECK;
bool child_end(struct run *r, struct err *e) MUST_CHECK;
void child_give_up(struct run *r);

/*
 * Makes an error of what a PostgreSQL client program said on standard error: its first "error:" line and the
 * first line of the command that it was at, which holds no values. The kind tells whether trying again may help. Pure; returns false.
 */
bool child_error(const char *program, const char *said, struct err *e);

#endif
