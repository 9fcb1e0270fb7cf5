/* What status and progress say in the same words. */
#ifndef REPL_CLI_FIGURES_H
#define REPL_CLI_FIGURES_H

#include "repl/buf.h"
#include "repl/status.h"

/* ---- what a terminal shows (wrap.c) ---- */

/* What can be drawn with; zeroed: ASCII without colors. */
struct ink {
    bool utf8, color;
};

enum color { COLOR_PLAIN, COLOR_GREEN, COLOR_YELLOW, COLOR_RED, COLOR_BOLD };

void add_color(struct buf *b, bool colored, enum color color);
/* A bar of so many columns, f from 0 to 1; in ASCII with brackets around it. */
void add_blocks(struct buf *b, const struct ink *ink, double f, int width);
/* The lines, none wider than the terminal (columns 0: as they are); what is wrapped goes on in the column that indent_of gives
 * for the line. */
void text_wrap(struct buf *b, const char *text, int columns,
               int (*indent_of)(const char *line, const void *arg), const void *arg);

/* 1234567 -> 1,234,567. */
const char *count_text(char *out, size_t size, int64_t n);

/* From 0 to 1, whatever the numbers are. */
double fraction(int64_t done, int64_t total);

/* The phase, or the one underneath a pause or an error. */
enum phase phase_of_work(const struct status *s);
/* Rows are copied or indexes built, paused or not. */
bool is_copying(const struct status *s);

/* Green while all is well. */
enum color state_color(const struct status *s);

bool table_is(const struct status_table *t, const char *phase);

/* What keeps the engine from going on, with the side: an error, a pause, somebody's lock, silence. NULL: nothing. The caller
 * frees it. */
char *status_reason(const struct status *s);

/* "4.3 GB of 10.0 GB, 52.0 MB/s, ETA 1m 50s, then indexes" */
void add_copy_figures(struct buf *b, const struct status *s);

/* "8,600,000 rows, 52,000 rows/s, ETA 3m 10s" */
void add_catch_up_figures(struct buf *b, const struct status *s);

/* "index public.big_v  building index: scanning table 42 %, 12s" */
void add_step_unit(struct buf *b, const struct status_unit *u);

#endif
