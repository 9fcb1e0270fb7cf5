/* What the first copy took: a table of its steps, and the slowest of its tables and indexes. */
#include <string.h>

#include "figures.h"
#include "repl/cli.h"

enum { NAME_MOST = 44 };

static int name_width(const struct status *s)
{
    int width = 12;
    for (size_t i = 0; i < s->ntimings; i++) {
        int w = text_columns(s->timings[i].name, strlen(s->timings[i].name)) +
                (strcmp(s->timings[i].kind, "step") != 0 ? 2 : 0);
        width = w > width ? w : width;
    }
    return width < NAME_MOST ? width : NAME_MOST;
}

static void add_line(struct buf *b, const char *indent, const struct status_timing *t, int width)
{
    char took[32], rows[32], bytes[32], rate[32];
    int room = width - (int)strlen(indent) - text_columns(t->name, strlen(t->name));
    buf_printf(b, "%s%s%*s  %8s", indent, t->name, room > 0 ? room : 0, "",
               str_duration(took, sizeof took, t->seconds));
    if (t->rows >= 0)
        buf_printf(b, "  %13s", count_text(rows, sizeof rows, t->rows));
    if (t->bytes >= 0)
        buf_printf(b, "  %8s  %8s/s", str_bytes(bytes, sizeof bytes, (double)t->bytes),
                   str_bytes(rate, sizeof rate, t->seconds > 0 ? (double)t->bytes / t->seconds : 0));
    buf_puts(b, "\n");
}

static void add_slowest(struct buf *b, const struct status *s, const char *kind, const char *title, int width)
{
    bool first = true;
    for (size_t i = 0; i < s->ntimings; i++) {
        if (strcmp(s->timings[i].kind, kind) != 0)
            continue;
        if (first)
            buf_printf(b, "%s\n", title);
        first = false;
        add_line(b, "  ", &s->timings[i], width);
    }
}

void summary_text(struct buf *b, const struct status *s)
{
    struct status_timing all = {.name = (char[]){"in all"}, .rows = -1, .bytes = -1};
    if (s->ntimings == 0)
        return;
    int width = name_width(s);
    buf_printf(b, "%-*s  %8s  %13s  %8s  %10s\n", width, "first copy", "time", "rows", "bytes", "rate");
    for (size_t i = 0; i < s->ntimings; i++) {
        if (strcmp(s->timings[i].kind, "step") != 0)
            continue;
        add_line(b, "", &s->timings[i], width);
        all.seconds += s->timings[i].seconds;
    }
    add_line(b, "", &all, width);
    add_slowest(b, s, "table", "slowest tables", width);
    add_slowest(b, s, "index", "slowest indexes", width);
}
