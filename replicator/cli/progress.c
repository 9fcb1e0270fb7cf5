#include "progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/mem.h"

/* A figure that changes is told this often; a phase at once. */
enum { SAY_EVERY_MS = 10000, MAX_TABLES = 8 };

void progress_begin(struct progress *p, const struct context *c)
{
    *p = (struct progress){.saved_stderr = -1};
    p->screen = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !c->verbose && !c->log_json;
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
    p->said = NULL;
}

static int terminal_columns(void)
{
    struct winsize w;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : 79;
}

static void redraw(struct progress *p, const struct status *st)
{
    struct buf b = {0};
    if (p->lines > 0)
        buf_printf(&b, "\033[%dA\r\033[J", p->lines);
    size_t from = b.len;
    progress_bars(&b, st, terminal_columns(), MAX_TABLES);
    p->lines = 0;
    for (size_t i = from; i < b.len; i++)
        p->lines += b.data[i] == '\n';
    fputs(buf_text(&b), stdout);
    fflush(stdout);
    buf_free(&b);
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
