/*
 * The status for somebody who was woken at two in the morning: the state in the first lines, tables in trouble
 * before the healthy ones, each error with what to do, and last what to type.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "figures.h"
#include "repl/cli.h"
#include "repl/mem.h"

/* Tables at work that are listed, and how many healthy ones are few enough to list as well. */
enum { MAX_BUSY = 12, FEW_TABLES = 20, BAR = 30 };

/* ---- pieces ---- */

/* ISO 8601 in UTC as seconds since 1970; negative where it is none. */
static double parse_time(const char *iso)
{
    struct tm tm = {0};
    if (iso == NULL ||
        (strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) == NULL && strptime(iso, "%Y-%m-%d %H:%M:%S", &tm) == NULL))
        return -1;
    return (double)timegm(&tm);
}

/* "3m 20s ago", or the time itself where it cannot be read. */
static void add_age(struct buf *b, const char *iso, double now)
{
    char text[32];
    double at = parse_time(iso);
    if (at < 0) {
        buf_puts(b, iso != NULL ? iso : "some time ago");
        return;
    }
    double age = now - at;
    if (age < 1)
        buf_puts(b, "just now");
    else
        buf_printf(b, "%s ago", str_duration(text, sizeof text, age));
}

/* 2026-01-31T02:00:00.123Z -> 2026-01-31 02:00:00 UTC */
static void add_time(struct buf *b, const char *iso)
{
    if (parse_time(iso) >= 0)
        buf_printf(b, "%.10s %.8s UTC", iso, iso + 11);
    else
        buf_puts(b, iso != NULL ? iso : "not known");
}

static void add_bar(struct buf *b, const struct status_view *v, double f, int width)
{
    add_blocks(b, &(struct ink){.utf8 = v->utf8, .color = v->color}, f, width);
    buf_printf(b, " %3d %%", (int)(f * 100));
}

/* The copy is worth a line while it goes on, and when it was left in the middle. */
static bool shows_copy(const struct status *s)
{
    if (is_copying(s))
        return true;
    for (size_t i = 0; i < s->ntables; i++)
        if (s->tables[i].phase != NULL &&
            (strcmp(s->tables[i].phase, "planned") == 0 || strcmp(s->tables[i].phase, "copying") == 0))
            return true;
    return false;
}

/* The step that goes on: with a phase that is a state of rest there is none. */
static const char *step_of(const struct status *s)
{
    bool rests = s->phase == PHASE_FOLLOWING || s->phase == PHASE_PAUSED || s->phase == PHASE_RETRYING;
    return rests ? NULL : s->note;
}

/* ---- the steps after the load ---- */

static void add_step(struct buf *b, const struct status *s, const struct status_view *v)
{
    if (s->step.name == NULL)
        return;
    buf_printf(b, "%-10s", s->step.name);
    add_bar(b, v, fraction(s->step.units_done, s->step.units_total), BAR);
    buf_printf(b, "  %d of %d\n", s->step.units_done, s->step.units_total);
    for (size_t i = 0; i < s->step.nrunning; i++) {
        buf_puts(b, "  ");
        add_step_unit(b, &s->step.running[i]);
        buf_puts(b, "\n");
    }
}

/* ---- the head ---- */

/* "4, 3 at work, --max-rate 20.0 MB/s" */
static void add_workers(struct buf *b, const struct status *s)
{
    char rate[32];
    if (s->workers.wanted == 0)
        return;
    buf_puts(b, "workers   ");
    if (s->engine.running && s->workers.running != s->workers.wanted)
        buf_printf(b, "%d of ", s->workers.running);
    buf_printf(b, "%d", s->workers.wanted);
    if (s->engine.running)
        buf_printf(b, ", %d at work", s->workers.busy);
    buf_printf(b, ", --max-rate %s", str_rate(rate, sizeof rate, s->workers.max_rate));
    if (s->workers.error != NULL)
        buf_printf(b, " (%s)", s->workers.error);
    buf_puts(b, "\n");
}

/* What the source bears: "deltas 1.2 MB, WAL 3.1 MB/s, 1.0 GB of it kept, 17 connections free" */
static void add_load(struct buf *b, const struct status *s)
{
    char deltas[32], rate[32], kept[32];
    if (!s->load.known || !s->engine.running)
        return;
    buf_printf(b, "load      deltas %s", str_bytes(deltas, sizeof deltas, (double)s->load.delta_bytes));
    if (s->load.wal_bytes_per_second >= 0)
        buf_printf(b, ", WAL %s/s", str_bytes(rate, sizeof rate, s->load.wal_bytes_per_second));
    if (s->load.wal_kept_bytes > 0)
        buf_printf(b, ", %s of it kept", str_bytes(kept, sizeof kept, (double)s->load.wal_kept_bytes));
    buf_printf(b, ", %lld connections free\n", (long long)s->load.connections_free);
    if (s->load.slowed != NULL)
        buf_printf(b, "slowed    %s\n", s->load.slowed);
}

/* "waits     source: lock on public.t, 12.3s: pid 4711 (app, psql), its query began 3m 20s ago" */
static void add_waits(struct buf *b, const struct status *s)
{
    char text[32];
    for (size_t i = 0; i < s->nwaits; i++) {
        const struct status_wait *w = &s->waits[i];
        buf_printf(b, "%-10s%s: %s, %s", i == 0 ? "waits" : "", w->side, w->step,
                   str_duration(text, sizeof text, w->seconds));
        if (w->blocker.pid > 0) {
            bool named = w->blocker.user != NULL || w->blocker.name != NULL;
            buf_printf(b, ": pid %d", w->blocker.pid);
            if (named)
                buf_printf(b, " (%s%s%s)", w->blocker.user != NULL ? w->blocker.user : "",
                           w->blocker.user != NULL && w->blocker.name != NULL ? ", " : "",
                           w->blocker.name != NULL ? w->blocker.name : "");
            if (w->blocker.query_seconds >= 0)
                buf_printf(b, ", its query began %s ago",
                           str_duration(text, sizeof text, w->blocker.query_seconds));
        }
        buf_puts(b, "\n");
    }
}

/* "retrying while following", "following, degraded" */
static void add_phase(struct buf *b, const struct status *s, const struct status_view *v)
{
    const char *step = step_of(s);
    bool below = s->phase == PHASE_RETRYING || (s->phase == PHASE_PAUSED && s->reached != PHASE_FOLLOWING);
    buf_puts(b, "phase     ");
    add_color(b, v->color, state_color(s));
    buf_printf(b, "%s%s%s", phase_name(s->phase), step != NULL ? ": " : "", step != NULL ? step : "");
    if (below)
        buf_printf(b, " while %s", phase_name(s->reached));
    if (s->state == STATE_DEGRADED)
        buf_puts(b, ", degraded");
    add_color(b, v->color, COLOR_PLAIN);
    buf_puts(b, "\n");
}

static void add_silence(struct buf *b, const char *side, const struct status_side *s)
{
    char text[32];
    if (s->silent_seconds > 0)
        buf_printf(b, "silent    the %s has not answered for %s\n", side,
                   str_duration(text, sizeof text, s->silent_seconds));
}

/* What is wrong, where somebody looks first. All errors stand below the tables. */
static void add_trouble(struct buf *b, const struct status *s, const struct status_view *v)
{
    if (s->state != STATE_OK && s->nerrors != 0) {
        const struct status_error *x = &s->errors[0];
        buf_puts(b, "error     ");
        add_color(b, v->color, s->state == STATE_FAILED ? COLOR_RED : COLOR_YELLOW);
        buf_printf(b, "%s%s%s", x->table != NULL ? x->table : "", x->table != NULL ? ": " : "", x->message);
        add_color(b, v->color, COLOR_PLAIN);
        buf_puts(b, ", ");
        add_age(b, x->at, v->now);
        if (x->hint != NULL && x->hint[0] != '\0')
            buf_printf(b, "; hint: %s", x->hint);
        buf_puts(b, "\n");
    }
    add_silence(b, "source", &s->source);
    add_silence(b, "target", &s->target);
}

/* "not known since 22s": it was known then. */
static void add_unknown(struct buf *b, const struct status *s)
{
    char text[32];
    buf_puts(b, "not known");
    if (s->unknown_seconds > 0)
        buf_printf(b, " since %s", str_duration(text, sizeof text, s->unknown_seconds));
    buf_puts(b, "\n");
}

static void add_lag(struct buf *b, const struct status *s)
{
    char text[32];
    buf_puts(b, "lag       ");
    if (s->lag_seconds < 0)
        add_unknown(b, s);
    else
        buf_printf(b, "%s\n", str_duration(text, sizeof text, s->lag_seconds));
    buf_puts(b, "owed      ");
    if (s->owed_rows < 0)
        add_unknown(b, s);
    else /* while catching up it counts no further than the batch limit */
        buf_printf(b, "%s row%s%s\n", count_text(text, sizeof text, s->owed_rows),
                   s->owed_rows == 1 ? "" : "s", s->catch_up.goes_on ? " or more" : "");
}

static void add_snapshot(struct buf *b, const struct status *s)
{
    buf_puts(b, "snapshot  ");
    if (s->consistent_unknown)
        buf_printf(b, "not known; the %s showed one moment of the %s when it was last asked",
                   s->back ? "source" : "target", s->back ? "target" : "source");
    else if (s->consistent)
        buf_printf(b, "the %s shows one moment of the %s", s->back ? "source" : "target",
                   s->back ? "target" : "source");
    else
        buf_printf(b, "the %s is not consistent yet", s->back ? "source" : "target");
    buf_printf(b, "%s%s\n", s->position != NULL ? ", " : "", s->position != NULL ? s->position : "");
}

static void add_head(struct buf *b, const struct status *s, const struct status_view *v)
{
    char text[32];
    add_phase(b, s, v);
    add_trouble(b, s, v);
    if (s->back)
        buf_puts(b, "direction back: what the application writes at the target comes to the source\n");
    if (shows_copy(s)) {
        buf_puts(b, "copy      ");
        add_bar(b, v, fraction(s->copy.bytes_done, s->copy.bytes_total), BAR);
        buf_puts(b, "  ");
        add_copy_figures(b, s);
        buf_printf(b, ", %s rows\n", count_text(text, sizeof text, s->copy.rows_done));
        if (s->copy.from != NULL)
            buf_printf(b, "from      the fork %s\n", s->copy.from);
    }
    add_step(b, s, v);
    if (s->catch_up.goes_on) {
        buf_puts(b, "backlog   ");
        add_bar(b, v, fraction(s->catch_up.bytes_done, s->catch_up.bytes_total), BAR);
        buf_puts(b, "  ");
        add_catch_up_figures(b, s);
        buf_printf(b, ", %d of %d table%s\n", s->catch_up.tables_done, s->catch_up.tables_total,
                   s->catch_up.tables_total == 1 ? "" : "s");
    }
    add_lag(b, s);
    add_snapshot(b, s);
    if (s->cutover.state != NULL && strcmp(s->cutover.state, "none") != 0)
        buf_printf(b, "cutover   %s%s%s%s%s\n", s->cutover.state, s->cutover.since != NULL ? " since " : "",
                   s->cutover.since != NULL ? s->cutover.since : "", s->cutover.why != NULL ? ": " : "",
                   s->cutover.why != NULL ? s->cutover.why : "");
    add_waits(b, s);
    if (s->engine.running) {
        buf_printf(b, "engine    running as pid %d since ", s->engine.pid);
        add_time(b, s->engine.since);
        buf_printf(b, " (repl %s)\n", s->engine.version != NULL ? s->engine.version : "?");
    } else {
        buf_puts(b, "engine    not running\n");
    }
    add_workers(b, s);
    add_load(b, s);
    if (v->source != NULL)
        buf_printf(b, "source    %s\n", v->source);
    if (v->target != NULL)
        buf_printf(b, "target    %s\n", v->target);
}

static void add_batch(struct buf *b, const struct status *s, const struct status_view *v)
{
    char up[32], del[32], bytes[32], took[32];
    if (s->last_batch.at == NULL)
        return;
    buf_puts(b, "batch     ");
    add_age(b, s->last_batch.at, v->now);
    if (s->last_batch.tables > 0)
        buf_printf(b, ": %s rows written, %s deleted in %d table%s, %s in %s",
                   count_text(up, sizeof up, s->last_batch.rows_upserted),
                   count_text(del, sizeof del, s->last_batch.rows_deleted), s->last_batch.tables,
                   s->last_batch.tables == 1 ? "" : "s",
                   str_bytes(bytes, sizeof bytes, (double)s->last_batch.bytes),
                   str_duration(took, sizeof took, s->last_batch.seconds));
    buf_puts(b, "\n");
}

/* ---- tables ---- */

enum trouble {
    TROUBLE_FAILED,
    TROUBLE_PAUSED,
    TROUBLE_COPYING,
    TROUBLE_BEHIND,
    TROUBLE_PLANNED,
    TROUBLE_NONE
};

static enum trouble trouble_of(const struct status_table *t)
{
    const char *p = t->phase != NULL ? t->phase : "";
    if (strcmp(p, "failed") == 0 || (t->error != NULL && strcmp(p, "paused") != 0))
        return TROUBLE_FAILED;
    if (strcmp(p, "paused") == 0)
        return TROUBLE_PAUSED;
    if (strcmp(p, "copying") == 0)
        return TROUBLE_COPYING;
    if (strcmp(p, "catching_up") == 0)
        return TROUBLE_BEHIND;
    return strcmp(p, "planned") == 0 ? TROUBLE_PLANNED : TROUBLE_NONE;
}

/* "12: 1 failed, 11 following" */
static void add_counts(struct buf *b, const struct status *s)
{
    static const char *const order[] = {"failed",      "drifted", "paused",    "copying", "planned",
                                        "catching_up", "copied",  "following", NULL};
    buf_printf(b, "tables    %zu", s->ntables);
    const char *between = ": ";
    for (const char *const *phase = order; *phase != NULL; phase++) {
        size_t n = 0;
        for (size_t i = 0; i < s->ntables; i++)
            n += s->tables[i].phase != NULL && strcmp(s->tables[i].phase, *phase) == 0;
        if (n == 0)
            continue;
        buf_printf(b, "%s%zu %s", between, n, *phase);
        between = ", ";
    }
    buf_puts(b, "\n");
}

static void add_table_copy(struct buf *b, const struct status_table *t)
{
    char done[32], total[32];
    buf_printf(b, "  %3d %%  %s of %s", (int)(fraction(t->bytes_copied, t->bytes_total) * 100),
               str_bytes(done, sizeof done, (double)t->bytes_copied),
               str_bytes(total, sizeof total, (double)t->bytes_total));
    if (t->rows_copied > 0)
        buf_printf(b, ", %s rows", count_text(done, sizeof done, t->rows_copied));
    if (t->rate_bytes_per_second > 0)
        buf_printf(b, ", %s/s", str_bytes(done, sizeof done, t->rate_bytes_per_second));
    if (t->eta_seconds > 0)
        buf_printf(b, ", ETA %s", str_duration(done, sizeof done, t->eta_seconds));
}

static enum color color_of(enum trouble t)
{
    return t == TROUBLE_FAILED                          ? COLOR_RED
           : t == TROUBLE_PAUSED || t == TROUBLE_BEHIND ? COLOR_YELLOW
           : t == TROUBLE_COPYING                       ? COLOR_GREEN
                                                        : COLOR_PLAIN;
}

static void add_table(struct buf *b, const struct status_table *t, int width, bool color)
{
    char owed[32];
    char *name = xasprintf("%s.%s", t->schema, t->name);
    color = color && color_of(trouble_of(t)) != COLOR_PLAIN;
    buf_printf(b, "  %-*s  ", width, name);
    add_color(b, color, color_of(trouble_of(t)));
    buf_printf(b, "%-11s", t->phase != NULL ? t->phase : "?");
    add_color(b, color, COLOR_PLAIN);
    if (trouble_of(t) == TROUBLE_COPYING || trouble_of(t) == TROUBLE_PLANNED)
        add_table_copy(b, t);
    if (t->owed_rows > 0)
        buf_printf(b, "  %s owed", count_text(owed, sizeof owed, t->owed_rows));
    /* No blanks at the end of a line. */
    while (b->len > 0 && b->data[b->len - 1] == ' ')
        b->data[--b->len] = '\0';
    buf_puts(b, "\n");
    if (t->error != NULL)
        buf_printf(b, "      %s\n", t->error);
    free(name);
}

static int name_width(const struct status *s)
{
    size_t width = 12;
    for (size_t i = 0; i < s->ntables; i++) {
        size_t w = strlen(s->tables[i].schema) + 1 + strlen(s->tables[i].name);
        width = w > width ? w : width;
    }
    return width < 40 ? (int)width : 40;
}

static void add_tables(struct buf *b, const struct status *s, const struct status_view *v)
{
    if (s->ntables == 0)
        return;
    buf_puts(b, "\n");
    add_counts(b, s);
    int width = name_width(s), busy = 0;
    size_t shown = 0;
    bool all = v->all_tables || s->ntables <= FEW_TABLES;
    for (int rank = TROUBLE_FAILED; rank <= TROUBLE_NONE; rank++) {
        for (size_t i = 0; i < s->ntables; i++) {
            if ((int)trouble_of(&s->tables[i]) != rank)
                continue;
            bool always = rank == TROUBLE_FAILED || rank == TROUBLE_PAUSED;
            bool working = (rank == TROUBLE_COPYING || rank == TROUBLE_BEHIND) && busy < MAX_BUSY;
            if (!all && !always && !working)
                continue;
            busy += working;
            shown++;
            add_table(b, &s->tables[i], width, v->color);
        }
    }
    if (shown < s->ntables)
        buf_printf(b, "  (%zu more: repl status -v)\n", s->ntables - shown);
}

/* ---- errors ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The same error again and again is one error. */
static void add_errors(struct buf *b, const struct status *s, const struct status_view *v)
{
    if (s->nerrors == 0)
        return;
    buf_puts(b, "\n");
    add_color(b, v->color, COLOR_RED);
    buf_puts(b, "errors");
    add_color(b, v->color, COLOR_PLAIN);
    buf_puts(b, "\n");
    for (size_t i = 0; i < s->nerrors;) {
        const struct status_error *x = &s->errors[i];
        size_t same = 1;
        while (i + same < s->nerrors && same_text(x->message, s->errors[i + same].message) &&
               same_text(x->table, s->errors[i + same].table))
            same++;
        buf_puts(b, "  ");
        add_age(b, x->at, v->now);
        buf_printf(b, ": %s%s%s", x->table != NULL ? x->table : "", x->table != NULL ? ": " : "", x->message);
        if (same > 1)
            buf_printf(b, " (%zu times)", same);
        buf_puts(b, "\n");
        if (x->hint != NULL && x->hint[0] != '\0')
            buf_printf(b, "      hint: %s\n", x->hint);
        i += same;
    }
}

/* Where a wrapped line goes on: behind the label of the head, below the text of a table or an error. */
static int indent_of(const char *line, const void *arg)
{
    enum { LABEL = 10 };
    int n = 0;
    (void)arg;
    if (line[0] != ' ')
        return LABEL;
    while (line[n] == ' ')
        n++;
    return n + 4;
}

void status_text(struct buf *b, const struct status *s, const struct status_view *v)
{
    struct buf lines = {0};
    add_head(&lines, s, v);
    add_batch(&lines, s, v);
    add_tables(&lines, s, v);
    if (v->all_tables && s->ntimings != 0) {
        buf_puts(&lines, "\n");
        summary_text(&lines, s);
    }
    add_errors(&lines, s, v);
    if (s->next != NULL)
        buf_printf(&lines, "\nnext      %s\n", s->next);
    text_wrap(b, buf_text(&lines), v->columns, indent_of, NULL);
    buf_free(&lines);
}
