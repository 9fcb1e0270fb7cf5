/*
 * The command line. cli_main is all that main.c needs; the rest is here for its tests.
 */
#ifndef REPL_CLI_H
#define REPL_CLI_H

#include <stdint.h>

#include "repl/buf.h"
#include "repl/status.h"
#include "repl/str.h"
#include "repl/verify.h"

/* Runs the command and returns the exit code: 0 done, 1 failed, 2 usage, 3 not yet. */
int cli_main(int argc, char **argv);

/* ---- options (args.c) ---- */

/* One option: getopt_long, help and the manual are made from it. A table ends with a NULL name. */
struct option_spec {
    const char *name;
    int has_arg;       /* no_argument or required_argument */
    char letter;       /* 0: none */
    const char *value; /* what help calls the value; NULL with no_argument */
    const char *text;
};

struct args {
    struct {
        const char *name;
        char *value; /* NULL with no_argument */
    } * given;       /* in the order of the command line */
    size_t ngiven;
    char **words; /* what is no option; point into argv */
    size_t nwords;
};

/*
 * Adds what stands in argv[1..] to a. tables: the option tables that hold, ending with NULL. With leading only the
 * options before the first word are read. A connection string is wiped from argv, where `ps` would show it.
 * command is for the hint; NULL for none.
 */
bool args_parse(struct args *a, int argc, char **argv, const struct option_spec *const *tables, bool leading,
                const char *command, struct err *e) MUST_CHECK;
void args_free(struct args *a);

bool args_has(const struct args *a, const char *name);
const char *args_text(const struct args *a, const char *name); /* the last one given, or NULL */
/* Every value of a repeatable option, comma lists taken apart. */
void args_list(const struct args *a, const char *name, struct strlist *out);
/* A number from min to max; fallback where the option is not given. ERR_USAGE. */
bool args_int(const struct args *a, const char *name, long long min, long long max, long long fallback,
              long long *out, struct err *e) MUST_CHECK;
/* A rate in bytes a second; 0 for unlimited, and where the option is not given. ERR_USAGE. */
bool args_rate(const struct args *a, const char *name, int64_t *out, struct err *e) MUST_CHECK;
/* Seconds (1.5 too) as milliseconds; 0 where the option is not given. ERR_USAGE. */
bool args_seconds(const struct args *a, const char *name, unsigned *ms, struct err *e) MUST_CHECK;

/* The word as an error may repeat it: what looks like a connection string is not shown. */
const char *shown_word(const char *word);

/* The nearest of the words, or NULL where none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t n);

/* ---- status for people (status_text.c) ---- */

struct status_view {
    const char *source, *target; /* safe to print, or NULL */
    double now;                  /* wall clock, for ages */
    bool all_tables;             /* list healthy ones too, however many */
    int columns;                 /* longer lines are wrapped; 0: none is */
    bool utf8, color;
};

void status_text(struct buf *b, const struct status *s, const struct status_view *v);

/* What the first copy took, as a table; nothing before it is through. */
void summary_text(struct buf *b, const struct status *s);

/* ---- progress of a running engine (progress_text.c) ---- */

/* One line: where the copy or the following is. */
void progress_line(struct buf *b, const struct status *s);

/* Work goes on of which the figures change: a line of it once in a while is news. */
bool progress_moves(const struct status *s);

struct progress_view {
    int columns;    /* no line is wider */
    int max_tables; /* that run and have a bar */
    bool utf8;      /* blocks, else ASCII */
    bool color;
};

/* The same for a terminal, in lines: bars for the whole and for the tables that run, and the last errors. */
void progress_bars(struct buf *b, const struct status *s, const struct progress_view *v);
/* How far a comparison is. */
void progress_verify_line(struct buf *b, const struct verify_progress *p);
void progress_verify_bars(struct buf *b, const struct verify_progress *p, const struct progress_view *v);
/* Columns that a piece of a line takes there. */
int text_columns(const char *text, size_t len);

#endif
