#include "progress.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/mem.h"

/* A figure that changes is told this often; a phase at once. */
enum { SAY_EVERY_MS = 10000, MAX_TABLES = 8, OTHER_LINES = 7 };

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

void progress_begin(struct progress *p, const struct context *c)
{
    *p = (struct progress){.saved_stderr = -1};
    p->screen = terminal_draws() && isatty(STDERR_FILENO) && !c->verbose && !c->log_json;
    p->view = (struct progress_view){.utf8 = terminal_utf8(), .color = terminal_color()};
    if (!p->screen)
        return;
    char *path = xasprintf("%s/repl.log", c->dir);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log >= 0) {
        p->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        dup2(log, STDERR_FILENO);
        close(log);
        printf("log: %s; Ctrl-C stops, `repl start` goes on\n", path);
        fflush(stdout);
    } else {
        p->screen = false;
    }
    free(path);
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
    p->said = p->drawn = NULL;
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
static void redraw(struct progress *p, const struct status *st)
{
    const struct winsize w = terminal_size();
    struct buf bars = {0}, frame = {0};
    struct progress_view v = p->view;
    v.columns = w.ws_col - 1; /* a full line would leave the cursor in the next */
    v.max_tables = w.ws_row > OTHER_LINES + 1 ? w.ws_row - OTHER_LINES : 1;
    v.max_tables = v.max_tables < MAX_TABLES ? v.max_tables : MAX_TABLES;
    progress_bars(&bars, st, &v);
    int rows = rows_drawn(p, &w);
    if (rows > 0)
        buf_printf(&frame, "\033[%dA\r", rows);
    for (char *l = bars.data, *end; (end = strchr(l, '\n')) != NULL; l = end + 1)
        buf_printf(&frame, "%.*s\033[K\n", (int)(end - l), l);
    buf_puts(&frame, "\033[J");
    fputs(buf_text(&frame), stdout);
    fflush(stdout);
    buf_free(&frame);
    free(p->drawn);
    p->drawn = bars.data;
}

/* What makes a line due at once, and whether anything moved since the last. */
static char *landmark(const struct status *st)
{
    return xasprintf("%s/%s", phase_name(st->phase), st->note != NULL ? st->note : "");
}

static void say_line(struct progress *p, const struct status *st)
{
    char at[32];
    struct buf b = {0};
    char *mark = landmark(st);
    progress_line(&b, st);
    bool turned = p->said == NULL || strncmp(p->said, mark, strlen(mark)) != 0;
    char *now = xasprintf("%s %s", mark, buf_text(&b));
    bool due = clock_ms() - p->said_at >= SAY_EVERY_MS && strcmp(p->said != NULL ? p->said : "", now) != 0;
    if (turned || due) {
        printf("%s %s\n", clock_iso(at, sizeof at, clock_wall()), buf_text(&b));
        fflush(stdout);
        free(p->said);
        p->said = now;
        now = NULL;
        p->said_at = clock_ms();
    }
    free(now);
    free(mark);
    buf_free(&b);
}

void progress_show(void *arg, const struct status *st)
{
    struct progress *p = arg;
    if (p->screen)
        redraw(p, st);
    else
        say_line(p, st);
}
