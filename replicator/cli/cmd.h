/*
 * A command is one file with one entry, cmd_<verb>; the table in cli.c lists them. Help, the manual and the checks
 * of the words come from the entries.
 */
#ifndef REPL_CLI_CMD_H
#define REPL_CLI_CMD_H

#include <getopt.h>

#include "output.h"
#include "repl/cli.h"
#include "repl/sync.h"

/* What a command works with. */
struct context {
    const char *dir; /* the state directory */
    struct args args;
    const struct output *out;
    bool verbose, log_json;
    bool log_is_file;                  /* all output goes to DIR/repl.log */
    struct state *state;               /* after context_open */
    struct sync sync;                  /* after context_open */
    char *source_shown, *target_shown; /* dsn_safe of the sync's, or NULL */
    bool printed;                      /* the command's object is on standard output already */
    int exit_code;                     /* of a command that did not fail */
};

/* Opens the state file and loads its sync; one that is lost or damaged is made again where source and target are known. The
 * error says what to type where there is none. Once is enough. */
bool context_open(struct context *c, struct err *e) MUST_CHECK;
void context_close(struct context *c);
/* rebuild.c: makes it again; e says why it could not be opened, and stays where it cannot be made. */
bool context_rebuild(struct context *c, struct err *e) MUST_CHECK;

/* The error for "no engine runs", or the better one where there is no state directory at all. Returns false. */
bool context_not_running(struct context *c, struct err *e);

/* Asks the engine for command, about the table that the words name or about all, and says what came of it: "T table" or
 * "all". */
bool context_tell(struct context *c, const char *command, const char *table, const char *all,
                  struct err *e) MUST_CHECK;

/* ERR_CONFLICT where an engine runs on this directory. */
bool context_refuse_running(struct context *c, const char *what, struct err *e) MUST_CHECK;

/* Asks on the terminal; false, with the error that says what did not happen, unless the answer is yes. */
bool ask_yes(const char *question, const char *nothing, struct err *e) MUST_CHECK;

struct cmd {
    const char *name;
    const char *args;                  /* "[TABLE]", or "" */
    size_t max_words;                  /* that may follow the name */
    const char *text;                  /* one line */
    const char *detail;                /* more, for `repl help NAME`; or NULL */
    const struct option_spec *options; /* or NULL */
    bool (*exec)(struct context *c, struct err *e);
};

extern const struct cmd cmd_init, cmd_add, cmd_check, cmd_start, cmd_status, cmd_kick, cmd_pause, cmd_resume,
    cmd_set, cmd_stop, cmd_verify, cmd_log, cmd_cutover, cmd_cleanup, cmd_version, cmd_help;

extern const struct cmd *const commands[]; /* in the order of help; ends with NULL */
extern const struct option_spec global_options[];

const struct cmd *find_command(const char *name);
/* The command of that name, or the error with the nearest one. */
const struct cmd *need_command(const char *name, struct err *e);

/* help.c: all made from the tables. */
void help_overview(struct buf *b);
void help_command(struct buf *b, const struct cmd *c);

/* verify_text.c, verify_json.c: the report of a comparison; all: with a line for each table. */
void verify_text(struct buf *b, const struct verify_report *r, bool all);
void verify_json(const struct verify_report *r);

/* sync_args.c: --source --target --schema --tables --exclude --jobs --max-rate --copy-from --seeded --no-schema
 * --overwrite over what s holds. */
bool sync_from_args(const struct context *c, struct sync *s, struct err *e) MUST_CHECK;
/* A sync with nothing but defaults. */
void sync_defaults(struct sync *s, const char *dir);
/* ERR_USAGE naming the option that is missing. */
bool sync_need_both(const struct sync *s, const char *command, struct err *e) MUST_CHECK;

#endif
