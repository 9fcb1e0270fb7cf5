#include "progress.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "figures.h"
#include "repl/clock.h"
#include "repl/mem.h"

/* In a journal: a figure that changes is told this often; a phase, or an error that comes or goes, at once. */
enum { SAY_EVERY_MS = 60000, OTHER_LINES = 8 };

bool terminal_draws(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

bool terminal_utf8(void)
{
    locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8 = l != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;
    if (l != (locale_t)0)
        freelocale(l);
    return utf8;
}

bool terminal_color(void)
{
    const char *no = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    return terminal_draws() && (no == NULL || no[0] == '\0');
}

static struct winsize terminal_size(void)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
        w = (struct winsize){.ws_col = 80, .ws_row = 24};
    return w;
}

int terminal_columns(void)
{
    return isatty(STDOUT_FILENO) ? terminal_size().ws_col : 0;
}

void terminal_frame(const char *text)
{
    const struct winsize w = terminal_size();
    struct buf b = {0};
    int room = w.ws_row - 1;
    buf_puts(&b, "\033[H");
    for (const char *l = text, *end; (end = strchr(l, '\n')) != NULL; l = end + 1) {
        int columns = text_columns(l, (size_t)(end - l));
        int rows = columns > w.ws_col ? (columns + w.ws_col - 1) / w.ws_col : 1;
        bool last = end[1] == '\0';
        if (rows > room - !last) {
            buf_puts(&b, "...\033[K\n");
            break;
        }
        room -= rows;
        buf_printf(&b, "%.*s\033[K\n", (int)(end - l), l);
    }
    buf_puts(&b, "\033[J");
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void progress_begin(struct progress *p, const struct context *c)
{
    *p = (struct progress){.saved_stderr = -1};
    p->screen = terminal_draws() && isatty(STDERR_FILENO) && !c->verbose && !c->log_json;
    p->view = (struct progress_view){.utf8 = terminal_utf8(), .color = terminal_color()};
    char *path = xasprintf("%s/repl.log", c->dir);
    if (!p->screen) {
        p->log = c->log_is_file ? path : NULL;
        if (p->log == NULL)
            free(path);
        return;
    }
    int log = open_log(path);
    if (log >= 0) {
        p->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        dup2(log, STDERR_FILENO);
        close(log);
        printf("log: %s; Ctrl-C stops, `repl start` goes on\n", path);
        fflush(stdout);
        p->log = path;
    } else {
        p->screen = false;
        free(path);
    }
}

void progress_reopen_log(void *arg)
{
    struct progress *p = arg;
    int log = p->log != NULL ? open_log(p->log) : -1;
    if (log < 0) /* what it was given stays; where the file cannot be made, the old one does */
        return;
    fflush(stdout);
    dup2(log, STDERR_FILENO);
    if (p->saved_stderr < 0)
        dup2(log, STDOUT_FILENO);
    close(log);
}

void progress_begin_beside(struct progress *p, bool draws)
{
    *p = (struct progress){.saved_stderr = -1, .beside = true, .screen = draws && terminal_draws()};
    p->view = (struct progress_view){.utf8 = terminal_utf8(), .color = terminal_color()};
}

void progress_end(struct progress *p)
{
    if (p->saved_stderr >= 0) {
        dup2(p->saved_stderr, STDERR_FILENO);
        close(p->saved_stderr);
        p->saved_stderr = -1;
    }
    free(p->said);
    free(p->drawn);
    free(p->reason);
    free(p->log);
    p->said = p->drawn = p->reason = p->log = NULL;
}

/* Rows that stand on the screen now: a terminal that has become narrower has wrapped the lines that were wider. */
static int rows_drawn(const struct progress *p, const struct winsize *w)
{
    int rows = 0;
    for (const char *l = p->drawn, *end; l != NULL && (end = strchr(l, '\n')) != NULL; l = end + 1) {
        int columns = text_columns(l, (size_t)(end - l));
        rows += columns > w->ws_col ? (columns + w->ws_col - 1) / w->ws_col : 1;
    }
    return rows < w->ws_row ? rows : w->ws_row - 1;
}

/* One write a frame, each line over the old one, so that nothing flickers. */
static void redraw(struct progress *p,
                   void (*bars_of)(struct buf *, const void *, const struct progress_view *),
                   const void *what)
{
    const struct winsize w = terminal_size();
    struct buf bars = {0}, frame = {0};
    struct progress_view v = p->view;
    v.columns = w.ws_col - 1; /* a full line would leave the cursor in the next */
    v.max_tables = w.ws_row > OTHER_LINES + 1 ? w.ws_row - OTHER_LINES : 1;
    bars_of(&bars, what, &v);
    int rows = rows_drawn(p, &w);
    if (rows > 0)
        buf_printf(&frame, "\033[%dA\r", rows);
    int room = w.ws_row - 1; /* what has left the screen cannot be drawn over */
    for (char *l = bars.data, *end; (end = strchr(l, '\n')) != NULL; l = end + 1) {
        if (room-- == 0) {
            *l = '\0';
            break;
        }
        buf_printf(&frame, "%.*s\033[K\n", (int)(end - l), l);
    }
    buf_puts(&frame, "\033[J");
    fputs(buf_text(&frame), stdout);
    fflush(stdout);
    buf_free(&frame);
    free(p->drawn);
    p->drawn = bars.data;
}

void progress_clear(struct progress *p)
{
    const struct winsize w = terminal_size();
    int rows = rows_drawn(p, &w);
    if (rows > 0)
        printf("\033[%dA\r\033[J", rows);
    fflush(stdout);
    free(p->drawn);
    p->drawn = NULL;
}

/* What makes a line due at once. While it follows, the same figures again are no news. */
static char *landmark(const struct status *st)
{
    const char *error = st->state != STATE_OK && st->nerrors != 0 ? st->errors[0].message : "";
    return xasprintf("%s/%s/%s/%s", phase_name(st->phase), state_name(st->state),
                     st->note != NULL ? st->note : "", error);
}

/* mark: see landmark; taken. */
static void say_line(struct progress *p, char *mark, bool moves, void (*line_of)(struct buf *, const void *),
                     const void *what)
{
    char at[32];
    FILE *out = p->beside ? stderr : stdout;
    bool turned = p->said == NULL || strcmp(p->said, mark) != 0;
    if (turned || (clock_ms() - p->said_at >= SAY_EVERY_MS && moves)) {
        struct buf b = {0};
        line_of(&b, what);
        fprintf(out, "%s %s\n", clock_iso(at, sizeof at, clock_wall()), buf_text(&b));
        fflush(out);
        buf_free(&b);
        p->said_at = clock_ms();
    }
    free(p->said);
    p->said = mark;
}

static void status_bars(struct buf *b, const void *what, const struct progress_view *v)
{
    progress_bars(b, what, v);
}

static void status_line(struct buf *b, const void *what)
{
    progress_line(b, what);
}

void progress_show(void *arg, const struct status *st)
{
    struct progress *p = arg;
    free(p->reason);
    p->reason = status_reason(st);
    p->copied = p->copied || (st->ntables != 0 && is_copying(st));
    if (p->screen && p->copied && st->ntimings != 0) {
        struct buf b = {0};
        summary_text(&b, st);
        progress_clear(p);
        fputs(buf_text(&b), stdout);
        buf_free(&b);
        p->copied = false;
    }
    if (p->screen)
        redraw(p, status_bars, st);
    else
        say_line(p, landmark(st), progress_moves(st), status_line, st);
}

static void verify_bars(struct buf *b, const void *what, const struct progress_view *v)
{
    progress_verify_bars(b, what, v);
}

static void verify_line(struct buf *b, const void *what)
{
    progress_verify_line(b, what);
}

void progress_show_verify(struct progress *p, const struct verify_progress *now)
{
    char *mark = xasprintf("%lld", (long long)now->differences);
    if (p->screen) {
        redraw(p, verify_bars, now);
    } else if (p->said == NULL) { /* most are through before there is anything to tell */
        p->said = mark;
        p->said_at = clock_ms();
        return;
    } else {
        say_line(p, mark, true, verify_line, now);
        return;
    }
    free(mark);
}
