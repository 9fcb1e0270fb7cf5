/*
 * Text of others on its way to a terminal or a log. Names, messages and hints of servers can hold what moves a cursor,
 * forges a line or turns the direction of writing; what is left of them here only looks odd.
 */
#include <stdint.h>
#include <string.h>

#include "repl/buf.h"
#include "repl/str.h"

/* The length of the character at s, and which; 0: no UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80             ? 1
               : (s[0] & 0xe0) == 0xc0 ? 2
               : (s[0] & 0xf0) == 0xe0 ? 3
               : (s[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (n == 0)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = (c << 6) | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200b, 0x200b}, {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

static void add_hidden(struct buf *b, uint32_t c)
{
    if (c == '\n' || c == '\r' || c == '\t')
        buf_printf(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c < 0x80)
        buf_printf(b, "\\x%02x", (unsigned)c);
    else
        buf_printf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
}

void str_visible(struct buf *b, const char *s)
{
    buf_puts(b, "");
    while (*s != '\0') {
        uint32_t c = 0;
        size_t n = decode((const unsigned char *)s, &c);
        if (n == 0)
            buf_printf(b, "\\x%02x", (unsigned)(unsigned char)*s);
        else if (is_hidden(c))
            add_hidden(b, c);
        else
            buf_add(b, s, n);
        s += n != 0 ? n : 1;
    }
}

char *str_visible_copy(const char *s)
{
    struct buf b = {0};
    str_visible(&b, s);
    return b.data;
}
