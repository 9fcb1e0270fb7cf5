/*
 * Errors: made once where they happen, carried upwards, decided once.
 *
 * A function that can fail returns bool and fills *e; whoever carries the error further may add context, a table
 * or a hint. engine/supervise.c decides what an error means for a running engine, cli/cli.c for a command.
 */
#ifndef REPL_ERR_H
#define REPL_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_USAGE,    /* the command line is wrong */
    ERR_CONFIG,   /* what was asked for cannot be done as asked: a person must change something */
    ERR_CONN,     /* a server could not be reached, or went away: worth trying again */
    ERR_SQL,      /* a server refused a statement; sqlstate says why */
    ERR_CONFLICT, /* somebody else is doing it: another engine, a lock that is not to be had */
    ERR_STATE,    /* the local state file */
    ERR_OS,       /* files, memory, processes */
    ERR_NOT_YET,  /* nothing is wrong, but what was waited for did not come */
    ERR_STOPPED   /* interrupted because repl is stopping */
};

/* Of repl's own making, in a class that no server uses. */
#define ERR_CODE_TLS "RT001"   /* client and server could not agree on TLS, or on a certificate */
#define ERR_CODE_FILES "RT002" /* no file or socket could be opened, since too many are */

struct err {
    enum err_kind kind;
    char sqlstate[6]; /* as a server said, or one of ERR_CODE_...; "" where there is none */
    char side[8];     /* "source", "target" or "" */
    char table[192];  /* schema.name, or "" */
    int relation;     /* repl's number of that table; 0: not known */
    bool constraint;  /* the server named a constraint */
    struct {
        int pid;                 /* of the session that is in the way of a lock; 0: not known, or none */
        char user[64], name[64]; /* its role and application_name, or "" */
        double query_began;      /* clock_wall(); 0: not known */
    } blocker;
    char text[1024]; /* what happened, one line, without secrets */
    char hint[768];  /* what to type next, or "" */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fills *e and returns false, so that "return err_set(...)" reads as it should. Clears table, side and hint. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);

/* Puts "context: " in front of the text. Returns false. */
bool err_context(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Another text for the same error. Returns false. */
bool err_text(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Sets the hint; an earlier one stays, since whoever knew most spoke first. Returns false. */
bool err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Names the table; an earlier one stays. Returns false. What is decided about a table is decided by its number: see
 * err_relation (repl/rel.h). */
bool err_table(struct err *e, const char *schema, const char *name);

void err_clear(struct err *e);

/* Code and hint where why (an errno) says that files cannot be opened because too many are. Returns false. */
bool err_files(struct err *e, int why);

/* The SQLSTATE equals code, or begins with it when code has two characters (a class). */
bool err_is(const struct err *e, const char *code);

/* What an error means for an engine that runs. */
enum verdict {
    VERDICT_RETRY, /* it passes by itself: tried again, soon and then ever more rarely */
    VERDICT_TABLE, /* one table's: that table waits, the others go on; where it is no table's the same as VERDICT_FAIL */
    VERDICT_FAIL /* a person must change something: phase failed, tried again slowly */
};
enum verdict err_verdict(const struct err *e);

/* The table that decides, for docs/errors.md: its rows in order, of which the first that matches holds. False: no such row. */
struct err_rule {
    const char
        *code; /* a SQLSTATE, a class of two characters; or a kind of error, where there is no SQLSTATE */
    enum verdict verdict;
    const char *text;
};
bool err_rule(unsigned index, struct err_rule *out);
const char *err_verdict_name(enum verdict v);

/* Doing the same again may succeed: the verdict is VERDICT_RETRY. */
bool err_is_transient(const struct err *e);

/* A server that is about to be back, or has no connection to spare for the moment: worth trying again soon. */
bool err_is_brief(const struct err *e);

/* Somebody else had something locked for longer than the session waits, or a deadlock was broken: nothing is wrong with it. */
bool err_is_lock(const struct err *e);

/* 0 done, 1 failed, 2 usage, 3 not yet. */
int err_exit_code(const struct err *e);

/* The word for logs and JSON, for example "conn". */
const char *err_kind_name(enum err_kind kind);

#endif
