/* What `start` and `kick` show while the engine runs in this process. */
#ifndef REPL_CLI_PROGRESS_H
#define REPL_CLI_PROGRESS_H

#include <stdint.h>

#include "cmd.h"

struct progress {
    bool screen; /* bars redrawn in place; else a line when something changed */
    bool beside; /* lines go to standard error */
    struct progress_view view;
    char *drawn;      /* the bars that stand there now */
    char *log;        /* the file that this process logs to; NULL: what it was given */
    int saved_stderr; /* -1, or standard error while the log goes to DIR/repl.log */
    uint64_t said_at; /* when the last line was written, and for what */
    char *said;
    bool copied;  /* rows were copied while somebody looked on: what that took is told once */
    char *reason; /* what keeps the engine, as it last told; NULL: nothing */
};

/* Standard output can be drawn on (no pipe, no TERM=dumb); it shows UTF-8; it may be coloured (NO_COLOR). */
bool terminal_draws(void);
bool terminal_utf8(void);
bool terminal_color(void);

/* Its width; 0 where standard output is none. */
int terminal_columns(void);

/* The lines of text as what the terminal shows, from its first row; what does not fit below is left out. */
void terminal_frame(const char *text);

/* On a terminal, unless -v or --log-json ask for log lines there. The bars own the screen: the log of this process
 * goes to DIR/repl.log until progress_end. */
void progress_begin(struct progress *p, const struct context *c);
/* The same for an engine that another process runs, or for what is no engine: standard error stays, and where no terminal is
 * lines go there, so that standard output is the command's. draws: bars, where a terminal is. */
void progress_begin_beside(struct progress *p, bool draws);
/* What was drawn goes, for what the command has to say in the end. */
void progress_clear(struct progress *p);
/* engine_options.reopen_log: rotation has moved the log's file away; arg is the struct progress. */
void progress_reopen_log(void *arg);
/* engine_options.progress; arg is the struct progress. */
void progress_show(void *arg, const struct status *st);
/* The same for a comparison. */
void progress_show_verify(struct progress *p, const struct verify_progress *now);
void progress_end(struct progress *p);

#endif
