#include "repl/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "repl/buf.h"
#include "repl/clock.h"
#include "repl/str.h"

static enum log_level max_level = LOG_INFO;
static bool as_json;

void log_setup(enum log_level max, bool json)
{
    max_level = max;
    as_json = json;
}

static void add_json_text(struct buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 0x20)
            buf_printf(b, "\\u%04x", c);
        else
            buf_add(b, s, 1);
    }
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > max_level)
        return;

    struct buf text = {0}, line = {0}, shown = {0};
    char message[2048], at[32];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    str_cut(message, sizeof message);
    clock_iso(at, sizeof at, clock_wall());
    str_visible(&shown, message); /* one event, one line, whatever names and servers say */

    if (as_json) {
        add_json_text(&text, buf_text(&shown));
        buf_printf(&line, "{\"at\":\"%s\",\"level\":\"%s\",\"message\":\"%s\"}\n", at, names[level],
                   buf_text(&text));
    } else {
        buf_printf(&line, "%s %-5s %s\n", at, names[level], buf_text(&shown));
    }
    /* One write a line, so that lines of several threads never mix. */
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* nowhere is left to report it */
    buf_free(&text);
    buf_free(&shown);
    buf_free(&line);
}

void log_err(enum log_level level, const struct err *e)
{
    const char *table = e->table[0] != '\0' ? e->table : NULL;
    const char *side = e->side[0] != '\0' ? e->side : NULL;
    log_line(level, "%s%s%s%s%s%s%s%s%s", side != NULL ? side : "", side != NULL ? ": " : "",
             table != NULL ? table : "", table != NULL ? ": " : "", e->text,
             e->sqlstate[0] != '\0' ? " (SQLSTATE " : "", e->sqlstate, e->sqlstate[0] != '\0' ? ")" : "",
             e->kind == ERR_STOPPED ? " (stopping)" : "");
    if (e->hint[0] != '\0')
        log_line(level, "hint: %s", e->hint);
}
