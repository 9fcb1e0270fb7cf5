/* What the engine waits for, for status: servers that do not answer (pg/watchdog.c), and locks of others (held.c). */
#include <stdlib.h>
#include <string.h>

#include "held.h"
#include "private.h"

enum { MOST = 64, SHOWN_MS = 2000 };

static char *text_or_null(const char *s)
{
    return s[0] != '\0' ? xstrdup(s) : NULL;
}

static void add(struct status *out, const struct pg_wait *w, uint64_t now)
{
    struct status_wait *s = &out->waits[out->nwaits++];
    const uint64_t query = w->blocker.query_began_ms;
    *s = (struct status_wait){.side = xstrdup(side_name(w->side)),
                              .step = xstrdup(w->step),
                              .table = text_or_null(w->table),
                              .seconds = (double)(now - w->since_ms) / 1e3};
    s->blocker.pid = w->blocker.pid;
    s->blocker.user = text_or_null(w->blocker.user);
    s->blocker.name = text_or_null(w->blocker.name);
    s->blocker.query_seconds = query != 0 && query <= now ? (double)(now - query) / 1e3 : -1;
}

static int longest_first(const void *x, const void *y)
{
    double a = ((const struct status_wait *)x)->seconds, b = ((const struct status_wait *)y)->seconds;
    return a < b ? 1 : a > b ? -1 : 0;
}

void waits_status(const struct engine *g, struct status *out)
{
    struct pg_wait all[MOST];
    const uint64_t now = clock_ms();
    size_t n = pg_waits(all, MOST);
    out->waits = xcalloc(n + held_count(g) + 1, sizeof *out->waits);
    for (size_t i = 0; i < n; i++)
        if (now - all[i].since_ms >= SHOWN_MS)
            add(out, &all[i], now);
    held_waits(g, out);
    qsort(out->waits, out->nwaits, sizeof *out->waits, longest_first);
}
