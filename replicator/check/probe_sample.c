/* Whole rows out of the first bytes of a COPY, text or binary. */
#include <string.h>

#include "probe.h"

static unsigned be(const char *p, size_t n)
{
    unsigned v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

/* The end of the binary row at `at`, or 0 where it is not whole or is the trailer. */
static size_t row_end(const char *data, size_t len, size_t at)
{
    if (at + 2 > len || be(data + at, 2) == 0xffff)
        return 0;
    unsigned fields = be(data + at, 2);
    at += 2;
    for (unsigned i = 0; i < fields; i++) {
        if (at + 4 > len)
            return 0;
        unsigned size = be(data + at, 4);
        at += 4;
        if (size == 0xffffffff) /* null */
            continue;
        if (size > len - at)
            return 0;
        at += size;
    }
    return at;
}

void probe_cut(const char *data, size_t len, bool binary, size_t *from, size_t *to)
{
    enum { SIGNATURE = 11, HEADER = 19 };
    *from = *to = 0;
    if (!binary) { /* a newline within a value is written as \n */
        while (len > 0 && data[len - 1] != '\n')
            len--;
        *to = len;
        return;
    }
    if (len < HEADER || be(data + SIGNATURE + 4, 4) > len - HEADER)
        return;
    *from = *to = HEADER + be(data + SIGNATURE + 4, 4);
    for (size_t next; (next = row_end(data, len, *to)) != 0;)
        *to = next;
}

bool probe_sample_cut(struct probe_sample *s)
{
    size_t from, to;
    probe_cut(buf_text(&s->rows), s->rows.len, s->binary, &from, &to);
    if (to <= from)
        return false;
    memmove(s->rows.data, s->rows.data + from, to - from);
    s->rows.len = to - from;
    return true;
}
