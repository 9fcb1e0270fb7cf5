/*
 * Tables that others have locked for longer than repl waits for a lock: what is to be done of such a table is put off for a
 * moment, and the others go on. status says who holds it.
 */
#include "held.h"

#include <stdlib.h>

#include "copy.h"
#include "drift.h"
#include "repl/clock.h"

struct hold {
    struct err why;
    struct backoff backoff;
    uint64_t since_ms, until_ms;
};

bool hold_takes(struct engine *g, const struct relation *r, struct hold **hold, const struct err *e)
{
    enum { BASE_MS = 500, MAX_MS = 5000 };
    /* Nobody watches a command, and it has an end; what goes wrong besides ends in an opening. */
    if (!err_is_lock(e) || g->o->once || engine_in_trouble(g))
        return false;
    if (*hold == NULL) {
        *hold = xcalloc(1, sizeof **hold);
        (*hold)->since_ms = clock_ms();
        (*hold)->backoff = (struct backoff){.base_ms = BASE_MS, .max_ms = MAX_MS};
        engine_say(g, LOG_WARN, NULL, "%s: %s; this table waits, the others go on", r->label, e->text);
    }
    (*hold)->why = *e;
    err_table(&(*hold)->why, r->schema, r->name);
    (*hold)->until_ms = clock_ms() + backoff_next_ms(&(*hold)->backoff);
    return true;
}

bool hold_waits(const struct hold *hold)
{
    return hold != NULL && clock_ms() < hold->until_ms;
}

void hold_ends(struct engine *g, const struct relation *r, struct hold **hold, uint64_t made_ms)
{
    if (*hold == NULL || made_ms < (*hold)->since_ms)
        return;
    engine_say(g, LOG_INFO, NULL, "%s: the lock is gone; it goes on", r->label);
    hold_free(hold);
}

void hold_free(struct hold **hold)
{
    free(*hold);
    *hold = NULL;
}

/* ---- all of them ---- */

static size_t count(const struct engine *g)
{
    return g->copy.ntables + catchup_count(g);
}

/* Tables in the order of the copy, and then passes; *index: of the relation. NULL: this one waits for nobody. */
static struct hold *hold_at(const struct engine *g, size_t i, size_t *index)
{
    if (i >= g->copy.ntables)
        return catchup_hold(g, i - g->copy.ntables, index);
    *index = g->copy.tables[i].index;
    return g->copy.tables[i].hold;
}

bool held_any(const struct engine *g)
{
    size_t index;
    for (size_t i = 0; i < count(g); i++)
        if (hold_at(g, i, &index) != NULL)
            return true;
    return false;
}

void held_tick(struct engine *g)
{
    if (held_any(g))
        engine_go_on_beside(g);
}

void held_try_now(struct engine *g)
{
    size_t index;
    for (size_t i = 0; i < count(g); i++) {
        struct hold *hold = hold_at(g, i, &index);
        if (hold != NULL)
            hold->until_ms = 0;
    }
    held_tick(g);
}

void held_status(const struct engine *g, struct status *out)
{
    size_t index;
    for (size_t i = count(g); i-- > 0;) {
        const struct hold *hold = hold_at(g, i, &index);
        if (hold == NULL)
            continue;
        drift_tell(out, &hold->why);
        if (out->tables[index].error == NULL)
            out->tables[index].error = xstrdup(hold->why.text);
    }
}
