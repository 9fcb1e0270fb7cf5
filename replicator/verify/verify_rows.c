#include "verify_rows.h"

#include <stdlib.h>
#include <string.h>

#include "verify_sql.h"

enum { PIECE = 128 * 1024 };

/* Hands over the lines that are whole; what is left stays in front. The first known bytes have no end of a line. */
static void take_lines(struct buf *b, size_t known, void (*line)(void *arg, const char *text, size_t len),
                       void *arg)
{
    size_t from = 0;
    for (;;) {
        size_t look = from > known ? from : known;
        char *end = memchr(b->data + look, '\n', b->len - look);
        if (end == NULL)
            break;
        size_t len = (size_t)(end - b->data) - from;
        line(arg, b->data + from, len);
        from += len + 1;
    }
    memmove(b->data, b->data + from, b->len - from);
    b->len -= from;
}

bool copy_lines(struct conn *c, void (*line)(void *arg, const char *text, size_t len), void *arg,
                int64_t *bytes, struct err *e)
{
    struct buf b = {0};
    char *piece = xmalloc(PIECE);
    enum pg_event event = PG_RESULT;
    bool ok = true, copied = false;
    while (ok && event != PG_END) {
        struct result *r = NULL;
        ok = pg_next(c, &event, &r, e);
        result_free(r);
        size_t len = ok && event == PG_COPY_OUT ? 1 : 0;
        copied = copied || len != 0;
        while (ok && len != 0) {
            uint64_t ended;
            ok = copy_read(c, piece, PIECE, &len, &ended, e);
            if (ok && len != 0) {
                *bytes += (int64_t)len;
                size_t known = b.len;
                buf_add(&b, piece, len);
                take_lines(&b, known, line, arg);
            }
        }
    }
    free(piece);
    buf_free(&b);
    return ok && (copied || err_set(e, ERR_SQL, "the server sent no rows"));
}

/* ---- sets ---- */

void row_set_line(void *arg, const char *text, size_t len)
{
    struct row_set *s = arg;
    if (s->count == s->cap) {
        s->cap = s->cap != 0 ? s->cap * 2 : 1024;
        s->items = xrealloc(s->items, s->cap * sizeof *s->items);
    }
    size_t key = s->nkey != 0 ? copy_fields_length(text, len, s->nkey) : len;
    struct row *r = &s->items[s->count++];
    r->key = hash128(text, key);
    r->row = s->nkey != 0 ? hash128(text + key, len - key) : r->key;
    r->text = NULL;
    if (s->nkey != 0 || s->keep_rows)
        r->text = arena_printf(s->mem, "%.*s", (int)key, text);
}

void row_set_free(struct row_set *s)
{
    free(s->items);
    s->items = NULL;
    s->count = s->cap = 0;
}

static int by_key(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    int c = hash128_compare(&a->key, &b->key);
    return c != 0 ? c : hash128_compare(&a->row, &b->row);
}

void row_set_compare(struct row_set *source, struct row_set *target,
                     void (*differs)(void *arg, const struct row *source, const struct row *target),
                     void *arg)
{
    size_t i = 0, k = 0;
    if (source->count != 0)
        qsort(source->items, source->count, sizeof *source->items, by_key);
    if (target->count != 0)
        qsort(target->items, target->count, sizeof *target->items, by_key);
    while (i < source->count || k < target->count) {
        const struct row *s = i < source->count ? &source->items[i] : NULL;
        const struct row *t = k < target->count ? &target->items[k] : NULL;
        int c = s == NULL ? 1 : t == NULL ? -1 : hash128_compare(&s->key, &t->key);
        if (c < 0)
            differs(arg, s, NULL);
        else if (c > 0)
            differs(arg, NULL, t);
        else if (hash128_compare(&s->row, &t->row) != 0)
            differs(arg, s, t);
        i += c <= 0;
        k += c >= 0;
    }
}
