#include "widths.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "repl/mem.h"

/* The catalogs' width counts as so many rows that were moved; and rows that were moved are half forgotten when so many
 * more have been. */
enum { PRIOR_ROWS = 100, FORGET_ROWS = 20000 };

struct moved {
    int id;
    double rows, bytes;
};

struct widths {
    pthread_mutex_t lock;
    struct moved *items; /* by id */
    size_t count;
};

struct widths *widths_new(void)
{
    struct widths *w = xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void widths_free(struct widths *w)
{
    pthread_mutex_destroy(&w->lock);
    free(w->items);
    free(w);
}

/* Where id is, or would be. */
static size_t place(const struct widths *w, int id)
{
    size_t from = 0, to = w->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (w->items[middle].id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void widths_moved(struct widths *w, int id, int64_t rows, int64_t bytes)
{
    if (rows <= 0)
        return;
    pthread_mutex_lock(&w->lock);
    size_t at = place(w, id);
    if (at == w->count || w->items[at].id != id) {
        w->items = xrealloc(w->items, (w->count + 1) * sizeof *w->items);
        memmove(w->items + at + 1, w->items + at, (w->count - at) * sizeof *w->items);
        w->items[at] = (struct moved){.id = id};
        w->count++;
    }
    struct moved *m = &w->items[at];
    m->rows += (double)rows;
    m->bytes += (double)bytes;
    if (m->rows > FORGET_ROWS) {
        m->rows /= 2;
        m->bytes /= 2;
    }
    pthread_mutex_unlock(&w->lock);
}

double widths_of(struct widths *w, const struct relation *r)
{
    double rows = PRIOR_ROWS, bytes = PRIOR_ROWS * relation_row_bytes(r);
    pthread_mutex_lock(&w->lock);
    size_t at = place(w, r->id);
    if (at < w->count && w->items[at].id == r->id) {
        rows += w->items[at].rows;
        bytes += w->items[at].bytes;
    }
    pthread_mutex_unlock(&w->lock);
    return bytes / rows > 1 ? bytes / rows : 1;
}
