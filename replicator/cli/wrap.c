/* Text for a terminal: how wide it is, lines that are wrapped with an indentation, colors, bars. */
#include <string.h>

#include "figures.h"
#include "repl/cli.h"

const char *const color_codes[] = {[COLOR_PLAIN] = "\033[0m",
                                   [COLOR_GREEN] = "\033[32m",
                                   [COLOR_YELLOW] = "\033[33m",
                                   [COLOR_RED] = "\033[31m",
                                   [COLOR_BOLD] = "\033[1m"};

/* Columns that the text takes: what sets colors takes none, and a character one however many bytes it has. */
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

/* Bytes of the text that fit into the columns, up to a blank where there is one behind `least` columns. */
static size_t fitting(const char *text, size_t len, int columns, int least)
{
    size_t at = 0, blank = 0;
    int n = 0;
    while (at < len) {
        size_t end = at;
        if (text[at] == '\033') {
            while (end < len && text[end] != 'm')
                end++;
            at = end + 1;
            continue;
        }
        do
            end++;
        while (end < len && ((unsigned char)text[end] & 0xc0) == 0x80);
        if (n == columns)
            return text[at] == ' ' ? at : blank != 0 ? blank : at;
        if (text[at] == ' ' && n > least)
            blank = at;
        n++;
        at = end;
    }
    return len;
}

static void wrap_line(struct buf *b, const char *line, size_t len, int columns, int indent)
{
    int before = 0;
    while (before + text_columns(line, len) > columns) {
        size_t n = fitting(line, len, columns - before, before == 0 ? indent : 0);
        buf_add(b, line, n);
        while (n < len && line[n] == ' ')
            n++;
        line += n;
        len -= n;
        if (len == 0)
            break;
        buf_printf(b, "\n%*s", indent, "");
        before = indent;
    }
    buf_add(b, line, len);
    buf_puts(b, "\n");
}

void text_wrap(struct buf *b, const char *text, int columns,
               int (*indent_of)(const char *line, const void *arg), const void *arg)
{
    enum { LEAST = 20 };
    for (const char *l = text, *end; *l != '\0'; l = *end != '\0' ? end + 1 : end) {
        end = strchr(l, '\n');
        end = end != NULL ? end : l + strlen(l);
        int indent = indent_of(l, arg);
        bool fits = columns <= 0 || indent + LEAST > columns;
        if (fits) {
            buf_add(b, l, (size_t)(end - l));
            buf_puts(b, "\n");
        } else {
            wrap_line(b, l, (size_t)(end - l), columns, indent);
        }
    }
}

void add_color(struct buf *b, bool colored, enum color color)
{
    if (colored)
        buf_puts(b, color_codes[color]);
}

void add_blocks(struct buf *b, const struct ink *ink, double f, int width)
{
    static const char *const eighths[] = {"░", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    if (!ink->utf8)
        buf_puts(b, "[");
    add_color(b, ink->color, COLOR_GREEN);
    for (int i = 0; i < width; i++) {
        double part = f * width - i;
        int eighth = part <= 0 ? 0 : part >= 1 ? 8 : (int)(part * 8);
        buf_puts(b, ink->utf8 ? eighths[eighth] : eighth == 8 ? "#" : ".");
    }
    add_color(b, ink->color, COLOR_PLAIN);
    if (!ink->utf8)
        buf_puts(b, "]");
}
