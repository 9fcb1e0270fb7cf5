#include "insert.h"

#include <string.h>

void insert_columns(struct buf *b, const struct relation *r)
{
    size_t first = b->len;
    for (size_t i = 0; i < r->ncolumns; i++) {
        if (r->columns[i].generated)
            continue;
        buf_puts(b, b->len == first ? "(" : ", ");
        sql_ident(b, r->columns[i].name);
    }
    if (b->len != first)
        buf_puts(b, ")");
}

/* What stands for a character behind a backslash in COPY's text; the server writes no others. */
static char unescaped(char c)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *at = strchr(from, c);
    return at != NULL && c != '\0' ? to[at - from] : c;
}

/* One field up to end, as a literal; a backslash in it is a backslash, since the session's strings conform. */
static void add_field(struct buf *b, const char *s, const char *end)
{
    if (end - s == 2 && s[0] == '\\' && s[1] == 'N') {
        buf_puts(b, "NULL");
        return;
    }
    buf_puts(b, "'");
    while (s < end) {
        const char *plain = s;
        while (s < end && *s != '\\' && *s != '\'')
            s++;
        buf_add(b, plain, (size_t)(s - plain));
        if (s == end)
            break;
        char c = *s++;
        if (c == '\\' && s < end)
            c = unescaped(*s++);
        buf_add(b, &c, 1);
        if (c == '\'')
            buf_add(b, &c, 1);
    }
    buf_puts(b, "'");
}

static void add_row(struct buf *b, const char *s, const char *end)
{
    buf_puts(b, "(");
    for (;;) {
        const char *tab = memchr(s, '\t', (size_t)(end - s));
        add_field(b, s, tab != NULL ? tab : end);
        if (tab == NULL)
            break;
        buf_puts(b, ", ");
        s = tab + 1;
    }
    buf_puts(b, ")");
}

void insert_add(struct buf *b, const struct relation *r, const char *rows, size_t len)
{
    const char *end = rows + len;
    if (len == 0)
        return;
    buf_printf(b, "INSERT INTO %s ", r->sql);
    size_t before = b->len;
    insert_columns(b, r);
    if (b->len == before) { /* each row is a newline */
        buf_printf(b, "SELECT FROM pg_catalog.generate_series(1, %zu);", len);
        return;
    }
    buf_puts(b, " OVERRIDING SYSTEM VALUE VALUES ");
    for (const char *s = rows; s < end;) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        if (newline == NULL)
            newline = end;
        buf_puts(b, s != rows ? ", " : "");
        add_row(b, s, newline);
        s = newline + 1;
    }
    buf_puts(b, ";");
}
