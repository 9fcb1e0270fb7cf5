/*
 * What others have locked for longer than repl waits for a lock, on either side: the work that wants it is put off for a
 * moment, and what can goes on beside it. status says who is waited for. A hold belongs to the work; the engine has a list
 * of all of them.
 */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "repl/clock.h"

struct hold {
    struct hold *next, **place; /* in the engine's list */
    char *what;
    struct err why;
    struct backoff backoff;
    uint64_t since_ms, until_ms;
};

static struct hold *hold_new(struct engine *g, const char *what)
{
    enum { BASE_MS = 500, MAX_MS = 5000 };
    struct hold *h = xcalloc(1, sizeof *h);
    h->what = xstrdup(what);
    h->since_ms = clock_ms();
    h->backoff = (struct backoff){.base_ms = BASE_MS, .max_ms = MAX_MS};
    h->place = &g->holds;
    h->next = g->holds;
    if (h->next != NULL)
        h->next->place = &h->next;
    g->holds = h;
    return h;
}

void hold_tells(struct engine *g, const char *what, const char *meanwhile, struct hold **hold,
                const struct err *e)
{
    if (*hold == NULL) {
        *hold = hold_new(g, what);
        engine_say(g, LOG_WARN, NULL, "%s: %s; %s", what, e->text, meanwhile);
    }
    (*hold)->why = *e;
}

bool hold_takes(struct engine *g, const char *what, const char *meanwhile, struct hold **hold,
                const struct err *e)
{
    /* Nobody watches a command, and it has an end; what goes wrong besides ends in an opening. */
    if (!err_is_lock(e) || g->o->once || engine_in_trouble(g))
        return false;
    hold_tells(g, what, meanwhile, hold, e);
    (*hold)->until_ms = clock_ms() + backoff_next_ms(&(*hold)->backoff);
    return true;
}

uint64_t hold_since_ms(const struct hold *hold)
{
    return hold->since_ms;
}

const struct err *hold_why(const struct hold *hold)
{
    return &hold->why;
}

bool hold_waits(const struct hold *hold)
{
    return hold != NULL && clock_ms() < hold->until_ms;
}

void hold_ends(struct engine *g, struct hold **hold, uint64_t made_ms)
{
    if (*hold == NULL || made_ms < (*hold)->since_ms)
        return;
    engine_say(g, LOG_INFO, NULL, "%s: the lock is gone; it goes on", (*hold)->what);
    hold_free(hold);
}

void hold_free(struct hold **hold)
{
    struct hold *h = *hold;
    if (h == NULL)
        return;
    *h->place = h->next;
    if (h->next != NULL)
        h->next->place = h->place;
    free(h->what);
    free(h);
    *hold = NULL;
}

/* ---- all of them ---- */

bool held_any(const struct engine *g)
{
    return g->holds != NULL;
}

const struct err *held_first(const struct engine *g)
{
    return &g->holds->why;
}

void held_tick(struct engine *g)
{
    if (!held_any(g))
        return;
    engine_go_on_beside(g);
    finish_dispatch(g);
    if (g->look_wanted)
        follow_look(g);
}

void held_try_now(struct engine *g)
{
    for (struct hold *h = g->holds; h != NULL; h = h->next)
        h->until_ms = 0;
    held_tick(g);
}

static void tell_table(struct status *out, const struct err *why)
{
    for (size_t i = 0; i < out->ntables && why->relation != 0; i++) {
        struct status_table *t = &out->tables[i];
        if (t->error == NULL && t->id == why->relation)
            t->error = xstrdup(why->text);
    }
}

void held_status(const struct engine *g, struct status *out)
{
    for (const struct hold *h = g->holds; h != NULL; h = h->next) {
        bool told = false; /* by another that waits for the same */
        for (const struct hold *x = g->holds; x != h; x = x->next)
            told = told || (strcmp(x->why.table, h->why.table) == 0 && strcmp(x->why.text, h->why.text) == 0);
        if (told)
            continue;
        drift_tell(out, &h->why);
        tell_table(out, &h->why);
    }
}

size_t held_count(const struct engine *g)
{
    size_t n = 0;
    for (const struct hold *h = g->holds; h != NULL; h = h->next)
        n++;
    return n;
}

void held_waits(const struct engine *g, struct status *out)
{
    const uint64_t now = clock_ms();
    const double wall = clock_wall();
    for (const struct hold *h = g->holds; h != NULL; h = h->next) {
        struct status_wait *w = &out->waits[out->nwaits++];
        const struct err *why = &h->why;
        *w = (struct status_wait){.side = xstrdup(why->side),
                                  .step = strcmp(h->what, why->table) == 0
                                              ? xasprintf("a lock on %s", h->what)
                                              : xasprintf("a lock, for %s", h->what),
                                  .table = why->table[0] != '\0' ? xstrdup(why->table) : NULL,
                                  .seconds = (double)(now - h->since_ms) / 1e3};
        w->blocker.pid = why->blocker.pid;
        w->blocker.user = why->blocker.user[0] != '\0' ? xstrdup(why->blocker.user) : NULL;
        w->blocker.name = why->blocker.name[0] != '\0' ? xstrdup(why->blocker.name) : NULL;
        w->blocker.query_seconds = why->blocker.query_began != 0 ? wall - why->blocker.query_began : -1;
    }
}
