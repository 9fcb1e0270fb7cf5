/* What status and progress say in the same words. */
#ifndef REPL_CLI_FIGURES_H
#define REPL_CLI_FIGURES_H

#include "repl/buf.h"
#include "repl/status.h"

/* 1234567 -> 1,234,567. */
const char *count_text(char *out, size_t size, int64_t n);

/* From 0 to 1, whatever the numbers are. */
double fraction(int64_t done, int64_t total);

/* The phase, or the one underneath a pause. */
enum phase phase_of_work(const struct status *s);
/* Rows are copied or indexes built, paused or not. */
bool is_copying(const struct status *s);

bool table_is(const struct status_table *t, const char *phase);

/* "4.3 GB of 10.0 GB, 52.0 MB/s, ETA 1m 50s, then indexes" */
void add_copy_figures(struct buf *b, const struct status *s);

/* "8,600,000 rows, 52,000 rows/s, ETA 3m 10s" */
void add_catch_up_figures(struct buf *b, const struct status *s);

/* "index public.big_v  building index: scanning table 42 %, 12s" */
void add_step_unit(struct buf *b, const struct status_unit *u);

#endif
