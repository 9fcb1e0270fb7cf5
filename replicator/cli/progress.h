/* What `start` and `kick` show while the engine runs in this process. */
#ifndef REPL_CLI_PROGRESS_H
#define REPL_CLI_PROGRESS_H

#include <stdint.h>

#include "cmd.h"

struct progress {
    bool screen; /* bars redrawn in place; else a line when something changed */
    struct progress_view view;
    char *drawn;      /* the bars that stand there now */
    int saved_stderr; /* -1, or standard error while the log goes to DIR/repl.log */
    uint64_t said_at; /* when the last line was written, and for what */
    char *said;
};

/* Standard output can be drawn on (no pipe, no TERM=dumb); it shows UTF-8; it may be coloured (NO_COLOR). */
bool terminal_draws(void);
bool terminal_utf8(void);
bool terminal_color(void);

/* The lines of text as what the terminal shows, from its first row; what does not fit below is left out. */
void terminal_frame(const char *text);

/* On a terminal, unless -v or --log-json ask for log lines there. The bars own the screen: the log of this process
 * goes to DIR/repl.log until progress_end. */
void progress_begin(struct progress *p, const struct context *c);
/* engine_options.progress; arg is the struct progress. */
void progress_show(void *arg, const struct status *st);
void progress_end(struct progress *p);

#endif
