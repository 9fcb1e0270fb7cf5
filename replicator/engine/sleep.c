/*
 * Sleep: with thousands of tables of which a few are written to, a look that asks each of them whether its deltas hold
 * something takes longer than the batch. Tables that owed nothing for sleep_ms are put to sleep (a lull), and once
 * nobody is in flight any more who began before, they are looked at no more (it has settled). Whoever writes to one wakes
 * it, which a look finds: it asks all then, and a lull follows when it costs the source a twentieth of the time at most.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "repl/clock.h"

enum { SHARE = 20, SETTLE_LEAST_MS = 5, SETTLE_MOST_MS = 5000 };

struct recent {
    int id;
    uint64_t ms; /* when it owed something */
};

struct sleep {
    bool all; /* are looked at; else these */
    int *ids;
    size_t n;
    int64_t woken;
    bool lulled; /* and not settled */
    struct lull lull;
    uint64_t lull_ms, settle_ms; /* when the next is due */
    uint64_t settle_wait;
    struct recent *recent; /* by id */
    size_t nrecent;
};

struct sleep *sleep_new(void)
{
    return xcalloc(1, sizeof(struct sleep));
}

void sleep_free(struct sleep *s)
{
    free(s->ids);
    free(s->recent);
    free(s);
}

void sleep_begin(struct engine *g)
{
    struct sleep *s = g->sleep;
    s->all = true;
    s->lulled = false;
    s->nrecent = 0;
    s->lull_ms = clock_ms() + (uint64_t)g->settings.sleep_ms;
}

struct awake sleep_awake(const struct engine *g, struct arena *a)
{
    const struct sleep *s = g->sleep;
    int *ids = arena_alloc(a, (s->n + 1) * sizeof *ids);
    for (size_t i = 0; i < s->n; i++)
        ids[i] = s->ids[i];
    return (struct awake){.all = s->all, .ids = {ids, s->n}, .woken = s->woken};
}

/* Where id is, or would be. */
static size_t place(const struct sleep *s, int id)
{
    size_t from = 0, to = s->nrecent;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->recent[middle].id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void note_recent(struct sleep *s, int id, uint64_t now)
{
    size_t at = place(s, id);
    if (at == s->nrecent || s->recent[at].id != id) {
        s->recent = xrealloc(s->recent, (s->nrecent + 1) * sizeof *s->recent);
        memmove(s->recent + at + 1, s->recent + at, (s->nrecent - at) * sizeof *s->recent);
        s->nrecent++;
    }
    s->recent[at] = (struct recent){id, now};
}

static void forget_old(struct sleep *s, uint64_t now, uint64_t sleep_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->nrecent; i++)
        if (now - s->recent[i].ms < sleep_ms)
            s->recent[kept++] = s->recent[i];
    s->nrecent = kept;
}

static struct ids recent_ids(const struct sleep *s, struct arena *a)
{
    int *ids = arena_alloc(a, (s->nrecent + 1) * sizeof *ids);
    for (size_t i = 0; i < s->nrecent; i++)
        ids[i] = s->recent[i].id;
    return (struct ids){ids, s->nrecent};
}

void sleep_prepare(struct engine *g, bool whole, struct batch_task *t)
{
    struct sleep *s = g->sleep;
    uint64_t now = clock_ms();
    t->awake = sleep_awake(g, t->task.mem);
    t->awake.all = t->awake.all || whole;
    if (g->world->relations.count <= (size_t)g->settings.sleep_tables)
        return;
    if (s->lulled && now >= s->settle_ms) {
        t->sleep = SLEEP_SETTLE;
        t->lull = s->lull;
    } else if (!s->lulled && now >= s->lull_ms) {
        forget_old(s, now, (uint64_t)g->settings.sleep_ms);
        if (!s->all && s->n <= s->nrecent)
            return; /* nobody to put to sleep */
        t->sleep = SLEEP_LULL;
        t->keep = recent_ids(s, t->task.mem);
    }
}

static void settled(struct engine *g, const struct batch_task *t)
{
    struct sleep *s = g->sleep;
    s->lulled = false;
    s->lull_ms = clock_ms() + (uint64_t)g->settings.sleep_ms;
    /* Of many it is cheaper to ask all than to find each. */
    s->all = t->woke || t->awake.ids.count * 2 > g->world->relations.count;
    s->n = s->all ? 0 : t->awake.ids.count;
    s->woken = t->awake.woken;
    s->ids = xrealloc(s->ids, (s->n + 1) * sizeof *s->ids);
    for (size_t i = 0; i < s->n; i++)
        s->ids[i] = t->awake.ids.items[i];
}

void sleep_looked(struct engine *g, const struct batch_task *t)
{
    struct sleep *s = g->sleep;
    uint64_t now = clock_ms();
    for (size_t i = 0; i < t->owed.count; i++)
        note_recent(s, t->owed.items[i].id, now);
    if (t->sleep == SLEEP_LULL) {
        s->lulled = true;
        s->lull = t->lull;
        s->settle_wait = SETTLE_LEAST_MS;
        s->settle_ms = now + s->settle_wait;
    } else if (t->sleep == SLEEP_SETTLE && t->settled) {
        settled(g, t);
    } else if (t->sleep == SLEEP_SETTLE) {
        s->settle_wait = s->settle_wait * 2 < SETTLE_MOST_MS ? s->settle_wait * 2 : SETTLE_MOST_MS;
        s->settle_ms = now + s->settle_wait;
    }
    if (t->woke) { /* who was lulled may be the one */
        s->all = true;
        s->lulled = false;
        s->lull_ms = now + (now - t->began_ms) * SHARE;
    }
}
