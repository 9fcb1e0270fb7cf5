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
    bool below = s->phase == PHASE_RETRYING || (s->phase == PHASE_PAUSED && s->reached != PHASE_FOLLOWING);
    if (below)
        buf_printf(b, " while %s", phase_name(s->reached));
    else if (s->phase != PHASE_FOLLOWING && s->note != NULL)
        buf_printf(b, " (%s)", s->note);
}

bool progress_moves(const struct status *s)
{
    enum phase p = phase_of_work(s);
    return p == PHASE_COPYING || p == PHASE_INDEXING || p == PHASE_CATCHING_UP || s->lag_seconds > 5 ||
           s->state != STATE_OK;
}

static void add_unknown(struct buf *b, const struct status *s)
{
    char text[32];
    if (s->unknown_seconds > 0)
        buf_printf(b, ", pending rows not known since %s",
                   str_duration(text, sizeof text, s->unknown_seconds));
}

void progress_line(struct buf *b, const struct status *s)
{
    char lag[32], owed[32];
    bool copying = phase_of_work(s) == PHASE_COPYING;
    add_state(b, s);
    if (s->state == STATE_DEGRADED)
        buf_puts(b, ", degraded");
    char *reason = s->state != STATE_OK ? status_reason(s) : NULL;
    if (reason != NULL) {
        buf_printf(b, ": %s", reason);
        free(reason);
        if (s->lag_seconds < 0)
            add_unknown(b, s);
        return;
    }
    if (s->ntables == 0 && is_copying(s)) /* both sides are being read */
        return;
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

static void add_bar(struct buf *b, const struct progress_view *v, double f, int width)
{
    if (width == 0)
        return;
    add_blocks(b, &(struct ink){.utf8 = v->utf8, .color = v->color}, f, width);
    buf_puts(b, "  ");
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
        add_color(b, v->color, COLOR_PLAIN);
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

/* What has a worker comes first, then what is largest. */
static bool comes_before(const struct status_table *a, const struct status_table *b)
{
    bool a_runs = a->rate_bytes_per_second >= 0, b_runs = b->rate_bytes_per_second >= 0;
    return a_runs != b_runs ? a_runs : a->bytes_total > b->bytes_total;
}

static int by_work(const void *x, const void *y)
{
    const struct status_table *const *a = x, *const *b = y;
    return comes_before(*a, *b) ? -1 : comes_before(*b, *a) ? 1 : 0;
}

/* The tables of that phase in the order of a screen; the caller frees the list. */
static const struct status_table **tables_of(const struct status *s, const char *phase, size_t *n)
{
    const struct status_table **list = xcalloc(s->ntables + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < s->ntables; i++)
        if (table_is(&s->tables[i], phase))
            list[(*n)++] = &s->tables[i];
    qsort(list, *n, sizeof(*list), by_work);
    return list;
}

/* "waiting     public.orders (1.2 GB), public.page (20 MB) and 5 more": what nobody has begun. */
static void add_waiting(struct buf *b, const struct status *s, const struct progress_view *v)
{
    enum { NAMED_WAITING = 2 };
    char bytes[32];
    size_t n, from = b->len;
    const struct status_table **list = tables_of(s, "planned", &n);
    for (size_t i = 0; i < n && i < NAMED_WAITING; i++)
        buf_printf(b, "%s%s.%s (%s)", i == 0 ? "waiting: " : ", ", list[i]->schema, list[i]->name,
                   str_bytes(bytes, sizeof bytes, (double)list[i]->bytes_total));
    if (n > NAMED_WAITING)
        buf_printf(b, " and %zu more", n - NAMED_WAITING);
    if (n != 0)
        end_line(b, from, v);
    free(list);
}

static void add_units(struct buf *b, const struct status *s, const struct progress_view *v)
{
    for (size_t i = 0; i < s->step.nrunning && i < (size_t)v->max_tables; i++) {
        size_t from = b->len;
        add_step_unit(b, &s->step.running[i]);
        end_line(b, from, v);
    }
}

static void add_state_line(struct buf *b, const struct status *s, const struct progress_view *v)
{
    size_t from = b->len;
    bool colored = v->color && state_color(s) != COLOR_GREEN;
    add_color(b, colored, state_color(s));
    add_state(b, s);
    if (s->state == STATE_DEGRADED)
        buf_puts(b, ", degraded");
    add_color(b, colored, COLOR_PLAIN);
    end_line(b, from, v);
}

static void add_copy(struct buf *b, const struct status *s, const struct progress_view *v)
{
    struct figures *lines = xcalloc((size_t)v->max_tables + 1, sizeof *lines);
    size_t n = 1, running;
    const struct status_table **list = tables_of(s, "copying", &running);
    add_state_line(b, s, v);
    lines[0] = (struct figures){"all tables",
                                s->copy.bytes_done,
                                s->copy.bytes_total,
                                s->copy.rows_done,
                                s->copy.rate_bytes_per_second,
                                s->copy.eta_seconds,
                                ", then indexes"};
    char **names = xcalloc(running + 1, sizeof *names);
    for (; n - 1 < running && n <= (size_t)v->max_tables; n++) {
        const struct status_table *t = list[n - 1];
        names[n - 1] = xasprintf("%s.%s", t->schema, t->name);
        lines[n] = (struct figures){names[n - 1],
                                    t->bytes_copied,
                                    t->bytes_total,
                                    t->rows_copied,
                                    t->rate_bytes_per_second,
                                    t->eta_seconds,
                                    ""};
    }
    if (s->ntables != 0) /* else both sides are being read */
        add_lines(b, v, lines, n);
    size_t from = b->len;
    if (running > n - 1) {
        buf_printf(b, "and %zu more", running - (n - 1));
        end_line(b, from, v);
    }
    if (s->phase == PHASE_COPYING)
        add_waiting(b, s, v);
    for (size_t i = 0; i < running; i++)
        free(names[i]);
    free(names);
    free(list);
    free(lines);
    struct progress_view rest = *v;
    rest.max_tables = v->max_tables > (int)n - 1 ? v->max_tables - ((int)n - 1) : 1;
    add_units(b, s, &rest);
}

/* The state, the units that are through, and those at work. */
static void add_step(struct buf *b, const struct status *s, const struct progress_view *v)
{
    add_state_line(b, s, v);
    size_t from = b->len;
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

static bool same_error(const struct status_error *x, const struct status_error *y)
{
    bool table =
        x->table == y->table || (x->table != NULL && y->table != NULL && strcmp(x->table, y->table) == 0);
    return table && strcmp(x->message, y->message) == 0;
}

static int error_indent(const char *line, const void *arg)
{
    (void)line;
    (void)arg;
    return 4;
}

/* Each once, in as many rows as it takes, and what to do about the first. */
static void add_errors(struct buf *b, const struct status *s, const struct progress_view *v)
{
    enum { ERRORS = 3 };
    size_t shown = 0;
    for (size_t i = 0; i < s->nerrors && shown < ERRORS; i++) {
        const struct status_error *x = &s->errors[i];
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = same_error(x, &s->errors[k]);
        if (again)
            continue;
        struct buf text = {0};
        add_color(&text, v->color, COLOR_RED);
        buf_printf(&text, "error: %s%s%s", x->table != NULL ? x->table : "", x->table != NULL ? ": " : "",
                   x->message);
        add_color(&text, v->color, COLOR_PLAIN);
        if (shown++ == 0 && x->hint != NULL && x->hint[0] != '\0')
            buf_printf(&text, "\n  hint: %s", x->hint);
        text_wrap(b, buf_text(&text), v->columns, error_indent, NULL);
        buf_free(&text);
    }
}

void progress_bars(struct buf *b, const struct status *s, const struct progress_view *v)
{
    char text[32];
    size_t from = b->len;
    if (s->step.name != NULL && phase_of_work(s) != PHASE_COPYING) {
        add_step(b, s, v);
    } else if (is_copying(s)) {
        add_copy(b, s, v);
    } else if (s->state != STATE_OK && s->nerrors != 0) { /* which stands below */
        add_state_line(b, s, v);
        from = b->len;
        if (s->lag_seconds < 0 && s->unknown_seconds > 0) {
            buf_printf(b, "lag and pending rows are not known since %s",
                       str_duration(text, sizeof text, s->unknown_seconds));
            end_line(b, from, v);
        }
        add_backlog(b, s, v);
    } else {
        progress_line(b, s);
        end_line(b, from, v);
        add_backlog(b, s, v);
    }
    add_errors(b, s, v);
}

/* ---- a comparison ---- */

static void add_found(struct buf *b, const struct verify_progress *p)
{
    char n[32];
    buf_printf(b, "%s difference%s", count_text(n, sizeof n, p->differences), p->differences == 1 ? "" : "s");
    buf_printf(b, ", %s key%s to compare again", count_text(n, sizeof n, p->keys), p->keys == 1 ? "" : "s");
}

void progress_verify_line(struct buf *b, const struct verify_progress *p)
{
    char done[32], total[32], rows[32], rate[32], eta[32];
    double part = p->bytes_total > 0 ? fraction(p->bytes_done, p->bytes_total) : 1;
    buf_printf(b, "comparing: %d %%, %s of %s, %s rows", (int)(part * 100),
               str_bytes(done, sizeof done, (double)p->bytes_done),
               str_bytes(total, sizeof total, (double)p->bytes_total),
               count_text(rows, sizeof rows, p->rows));
    if (p->rate > 0)
        buf_printf(b, ", %s/s", str_bytes(rate, sizeof rate, p->rate));
    if (p->eta_seconds >= 0)
        buf_printf(b, ", ETA %s", str_duration(eta, sizeof eta, p->eta_seconds));
    buf_puts(b, "; ");
    add_found(b, p);
}

void progress_verify_bars(struct buf *b, const struct verify_progress *p, const struct progress_view *v)
{
    size_t from = b->len;
    const struct figures all = {
        "all tables", p->bytes_done, p->bytes_total, p->rows, p->rate, p->eta_seconds, ""};
    add_color(b, v->color && p->differences != 0, COLOR_RED);
    buf_puts(b, "comparing: ");
    add_found(b, p);
    add_color(b, v->color && p->differences != 0, COLOR_PLAIN);
    end_line(b, from, v);
    add_lines(b, v, &all, 1);
}
