/*
 * How far a running engine is: a line, or bars for a terminal. The bars leave out what does not fit, all lines the
 * same, so that figures stand below each other: first the bars grow short, then rows, totals and rates go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "repl/cli.h"
#include "repl/mem.h"

enum { NAMED = 3 /* tables that a line names */ };

/* ---- a line ---- */

static void add_named_tables(struct buf *b, const struct status *s)
{
    const char *between = "; ";
    size_t named = 0, running = 0;
    for (size_t i = 0; i < s->ntables; i++) {
        const struct status_table *t = &s->tables[i];
        if (!table_is(t, "copying"))
            continue;
        running++;
        if (named == NAMED)
            continue;
        named++;
        buf_printf(b, "%s%s.%s %d %%", between, t->schema, t->name,
                   (int)(fraction(t->bytes_copied, t->bytes_total) * 100));
        between = ", ";
    }
    if (running > named)
        buf_printf(b, " and %zu more", running - named);
}

static void add_state(struct buf *b, const struct status *s)
{
    buf_puts(b, phase_name(s->phase));
    if (s->phase == PHASE_PAUSED && s->reached != PHASE_FOLLOWING)
        buf_printf(b, " while %s", phase_name(s->reached));
    else if (s->phase != PHASE_FOLLOWING && s->note != NULL)
        buf_printf(b, " (%s)", s->note);
}

void progress_line(struct buf *b, const struct status *s)
{
    char lag[32], owed[32];
    bool copying = phase_of_work(s) == PHASE_COPYING;
    add_state(b, s);
    if (s->step.name != NULL && !copying) {
        buf_printf(b, ": %d of %d", s->step.units_done, s->step.units_total);
        if (s->step.nrunning > 0) {
            buf_puts(b, ", ");
            add_step_unit(b, &s->step.running[0]);
        }
        return;
    }
    if (is_copying(s)) {
        buf_printf(b, ": %d %%, ", (int)(fraction(s->copy.bytes_done, s->copy.bytes_total) * 100));
        add_copy_figures(b, s);
        add_named_tables(b, s);
        if (s->step.nrunning > 0) {
            buf_puts(b, "; ");
            add_step_unit(b, &s->step.running[0]);
        }
        return;
    }
    const char *between = ": ";
    if (s->catch_up.goes_on) {
        buf_printf(b, ": %d %% of the backlog, ",
                   (int)(fraction(s->catch_up.bytes_done, s->catch_up.bytes_total) * 100));
        add_catch_up_figures(b, s);
        between = ", ";
    }
    if (s->lag_seconds >= 0) {
        buf_printf(b, "%slag %s", between, str_duration(lag, sizeof lag, s->lag_seconds));
        between = ", ";
    }
    if (s->owed_rows >= 0 && !s->catch_up.goes_on)
        buf_printf(b, "%s%s rows owed", between, count_text(owed, sizeof owed, s->owed_rows));
}

/* ---- bars ---- */

/* What a line of bars has, from all to hardly anything. */
static const struct level {
    int bar;
    bool rows, total, rate, then;
} levels[] = {{30, true, true, true, true},   {20, true, true, true, true},    {10, true, true, true, false},
              {10, false, true, true, false}, {10, false, false, true, false}, {0, false, false, true, false},
              {0, false, false, false, false}};

enum { LEVELS = sizeof levels / sizeof *levels, NAME_MOST = 40, NAME_LEAST = 8, STEP_BAR = 20 };

struct figures {
    const char *name;
    int64_t done, total, rows;
    double rate, eta;
    const char *then; /* what comes after the ETA */
};

static const char green[] = "\033[32m", red[] = "\033[31m", yellow[] = "\033[33m", plain[] = "\033[0m";

static void add_color(struct buf *b, const struct progress_view *v, const char *color)
{
    if (v->color)
        buf_puts(b, color);
}

static void add_bar(struct buf *b, const struct progress_view *v, double f, int width)
{
    static const char *const eighths[] = {"░", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    if (width == 0)
        return;
    if (!v->utf8)
        buf_puts(b, "[");
    add_color(b, v, green);
    for (int i = 0; i < width; i++) {
        double part = f * width - i;
        int eighth = part <= 0 ? 0 : part >= 1 ? 8 : (int)(part * 8);
        buf_puts(b, v->utf8 ? eighths[eighth] : eighth == 8 ? "#" : ".");
    }
    add_color(b, v, plain);
    buf_puts(b, v->utf8 ? "  " : "]  ");
}

static void add_figures(struct buf *b, const struct progress_view *v, const struct level *l,
                        const struct figures *f)
{
    char one[32], two[32];
    double part = fraction(f->done, f->total);
    add_bar(b, v, part, l->bar);
    buf_printf(b, "%3d %%", (int)(part * 100));
    if (l->total)
        buf_printf(b, "  %8s of %-8s", str_bytes(one, sizeof one, (double)f->done),
                   str_bytes(two, sizeof two, (double)f->total));
    if (l->rows)
        buf_printf(b, "  %13s rows", count_text(one, sizeof one, f->rows));
    if (l->rate && f->rate >= 0)
        buf_printf(b, "  %8s/s", str_bytes(one, sizeof one, f->rate));
    if (f->eta >= 0)
        buf_printf(b, "  ETA %s%s", str_duration(one, sizeof one, f->eta), l->then ? f->then : "");
    while (b->len > 0 && b->data[b->len - 1] == ' ')
        b->data[--b->len] = '\0';
}

/* Columns that the text takes: what sets colours takes none, and a character one however many bytes it has. */
int text_columns(const char *text, size_t len)
{
    int n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\033') {
            while (i < len && text[i] != 'm')
                i++;
            continue;
        }
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return n;
}

/* Cuts the line that began at from to the columns of the terminal. */
static void end_line(struct buf *b, size_t from, const struct progress_view *v)
{
    bool cut = false;
    while (b->len > from && text_columns(b->data + from, b->len - from) > v->columns) {
        do
            b->len--;
        while (b->len > from && ((unsigned char)b->data[b->len] & 0xc0) == 0x80);
        b->data[b->len] = '\0';
        cut = true;
    }
    if (cut)
        add_color(b, v, plain);
    buf_puts(b, "\n");
}

static void add_name(struct buf *b, const struct progress_view *v, const char *name, int width)
{
    int columns = text_columns(name, strlen(name));
    size_t from = b->len;
    buf_puts(b, name);
    if (columns > width) {
        end_line(b, from, &(struct progress_view){.columns = width});
        b->data[--b->len] = '\0'; /* the end of the line */
        columns = width;
    }
    buf_printf(b, "%*s  ", width - columns, "");
    (void)v;
}

static int name_width(const struct figures *lines, size_t n, int columns)
{
    int width = NAME_LEAST;
    for (size_t i = 0; i < n; i++) {
        int w = text_columns(lines[i].name, strlen(lines[i].name));
        width = w > width ? w : width;
    }
    int most = columns / 3 > NAME_LEAST ? columns / 3 : NAME_LEAST;
    most = most < NAME_MOST ? most : NAME_MOST;
    return width < most ? width : most;
}

static void add_lines(struct buf *b, const struct progress_view *v, const struct figures *lines, size_t n)
{
    int width = name_width(lines, n, v->columns);
    for (size_t level = 0; level < LEVELS; level++) {
        size_t from = b->len;
        int widest = 0;
        for (size_t i = 0; i < n; i++) {
            size_t begin = b->len;
            add_name(b, v, lines[i].name, width);
            add_figures(b, v, &levels[level], &lines[i]);
            int columns = text_columns(b->data + begin, b->len - begin);
            widest = columns > widest ? columns : widest;
            end_line(b, begin, v);
        }
        if (widest <= v->columns || level + 1 == LEVELS)
            return;
        b->len = from;
        b->data[from] = '\0';
    }
}

static size_t count_running(const struct status *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->ntables; i++)
        n += table_is(&s->tables[i], "copying");
    return n;
}

static void add_units(struct buf *b, const struct status *s, const struct progress_view *v)
{
    for (size_t i = 0; i < s->step.nrunning && i < (size_t)v->max_tables; i++) {
        size_t from = b->len;
        add_step_unit(b, &s->step.running[i]);
        end_line(b, from, v);
    }
}

static void add_copy(struct buf *b, const struct status *s, const struct progress_view *v)
{
    struct figures *lines = xcalloc((size_t)v->max_tables + 1, sizeof *lines);
    struct buf state = {0};
    size_t n = 1, running = count_running(s);
    add_state(&state, s);
    size_t from = b->len;
    add_color(b, v, s->phase == PHASE_PAUSED ? yellow : "");
    buf_puts(b, buf_text(&state));
    add_color(b, v, s->phase == PHASE_PAUSED ? plain : "");
    end_line(b, from, v);
    lines[0] = (struct figures){"all tables",
                                s->copy.bytes_done,
                                s->copy.bytes_total,
                                s->copy.rows_done,
                                s->copy.rate_bytes_per_second,
                                s->copy.eta_seconds,
                                ", then indexes"};
    for (size_t i = 0; i < s->ntables && n <= (size_t)v->max_tables; i++) {
        const struct status_table *t = &s->tables[i];
        if (table_is(t, "copying"))
            lines[n++] = (struct figures){xasprintf("%s.%s", t->schema, t->name),
                                          t->bytes_copied,
                                          t->bytes_total,
                                          t->rows_copied,
                                          t->rate_bytes_per_second,
                                          t->eta_seconds,
                                          ""};
    }
    add_lines(b, v, lines, n);
    if (running > n - 1) {
        from = b->len;
        buf_printf(b, "and %zu more", running - (n - 1));
        end_line(b, from, v);
    }
    for (size_t i = 1; i < n; i++) {
        char *name;
        memcpy(&name, &lines[i].name, sizeof name); /* made above */
        free(name);
    }
    free(lines);
    buf_free(&state);
    add_units(b, s, v);
}

/* The state, the units that are through, and those at work. */
static void add_step(struct buf *b, const struct status *s, const struct progress_view *v)
{
    size_t from = b->len;
    add_state(b, s);
    end_line(b, from, v);
    from = b->len;
    add_bar(b, v, fraction(s->step.units_done, s->step.units_total), STEP_BAR);
    buf_printf(b, "%d of %d", s->step.units_done, s->step.units_total);
    end_line(b, from, v);
    add_units(b, s, v);
}

/* What the line above says in words, as far as it goes. */
static void add_backlog(struct buf *b, const struct status *s, const struct progress_view *v)
{
    size_t from = b->len;
    if (!s->catch_up.goes_on)
        return;
    add_bar(b, v, fraction(s->catch_up.bytes_done, s->catch_up.bytes_total), STEP_BAR);
    buf_printf(b, "%d of %d table%s", s->catch_up.tables_done, s->catch_up.tables_total,
               s->catch_up.tables_total == 1 ? "" : "s");
    end_line(b, from, v);
}

void progress_bars(struct buf *b, const struct status *s, const struct progress_view *v)
{
    enum { ERRORS = 3 };
    size_t from = b->len;
    if (s->step.name != NULL && phase_of_work(s) != PHASE_COPYING) {
        add_step(b, s, v);
    } else if (is_copying(s)) {
        add_copy(b, s, v);
    } else {
        progress_line(b, s);
        end_line(b, from, v);
        add_backlog(b, s, v);
    }
    for (size_t i = 0; i < s->nerrors && i < ERRORS; i++) {
        const struct status_error *x = &s->errors[i];
        from = b->len;
        add_color(b, v, red);
        buf_printf(b, "error: %s%s%s", x->table != NULL ? x->table : "", x->table != NULL ? ": " : "",
                   x->message);
        add_color(b, v, plain);
        end_line(b, from, v);
    }
}
