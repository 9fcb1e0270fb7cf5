/*
 * A look: which tables owe something, in a source transaction that has them locked. When nothing is owed the doorbell is
 * armed and a second look taken, for those who committed before it was.
 */
#include "look.h"

#include "backlog.h"
#include "repl/clock.h"

enum { LOCK_TRIES = 5 };

bool look_go_to_sleep(struct look *l, struct err *e)
{
    struct batch_task *t = l->t;
    const struct capture *c = &t->task.world->capture;
    struct awake since;
    if (t->sleep == SLEEP_LULL)
        return capture_lull(l->source, c, &t->keep, &t->lull, e);
    if (t->sleep == SLEEP_AS_IT_IS)
        return true;
    if (!capture_awake(l->source, c, &t->lull, t->task.mem, &t->settled, &since, e))
        return false;
    if (t->settled)
        t->awake = since;
    return true;
}

static void woke(struct batch_task *t)
{
    t->woke = true;
    t->awake.all = true;
}

/* The tables to lock: those with delta rows that are not left out. Ids that the world does not know end the look. */
static bool choose_tables(struct look *l, const int *ids, size_t n)
{
    const struct world *w = l->t->task.world;
    l->locked = arena_alloc(l->t->task.mem, (n + 1) * sizeof *l->locked);
    l->nlocked = 0;
    for (size_t i = 0; i < n; i++) {
        const struct relation *r = relations_by_id(&w->relations, ids[i]);
        if (ids_have(&l->t->left_out, ids[i]))
            continue;
        if (r == NULL)
            return false;
        l->locked[l->nlocked++] = r;
    }
    return true;
}

static bool holds(const uint32_t *oids, size_t n, uint32_t oid)
{
    for (size_t i = 0; i < n; i++)
        if (oids[i] == oid)
            return true;
    return false;
}

static bool is_one_of(const struct relation *r, const struct relation **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == r)
            return true;
    return false;
}

/* A table of that list owes something and could not be locked: *e names it. */
static bool is_wanted(const struct look *l, const struct relation **every, size_t all, struct err *e)
{
    for (size_t i = 0; i < l->t->owed.count; i++) {
        const struct relation *r = relations_by_id(&l->t->task.world->relations, l->t->owed.items[i].id);
        if (is_one_of(r, every, all) && !is_one_of(r, l->locked, l->nlocked)) {
            err_relation(e, r);
            return true;
        }
    }
    return false;
}

static bool begin_with(struct look *l, bool *outside, struct err *e)
{
    struct batch_task *t = l->t;
    bool ok = capture_begin(l->source, &t->task.world->capture, l->locked, l->nlocked, &t->awake,
                            &t->positions, t->written, &t->left_out, t->task.settings->batch_rows + 1,
                            t->task.mem, &t->owed, outside, e);
    if (ok && t->owed.woke)
        woke(t);
    return ok;
}

/* A lock did not come (*e). What others have locked is not needed where it owes nothing: whoever alters a table and writes to it
 * in one long transaction keeps nobody else waiting. Nor is it to know that passes are needed, in which it waits alone. */
static bool begin_without(struct look *l, bool *outside, struct err *e)
{
    uint32_t *oids;
    size_t n, all = l->nlocked;
    const struct relation **every = l->locked;
    struct err waited = *e;
    if (!catalog_locked(l->source, l->t->task.mem, &oids, &n, e))
        return false;
    l->locked = arena_alloc(l->t->task.mem, (all + 1) * sizeof *l->locked);
    l->nlocked = 0;
    for (size_t i = 0; i < all; i++)
        if (!holds(oids, n, every[i]->oid))
            l->locked[l->nlocked++] = every[i];
    bool began = begin_with(l, outside, e);
    l->ended = began && *outside && !backlog_has_unknown(l->t) && backlog_is_large(l->t);
    if (l->ended)
        *outside = false;
    if (began && *outside && is_wanted(l, every, all, &waited)) {
        *e = waited;
        began = false;
    }
    if (!began) {
        l->locked = every;
        l->nlocked = all;
    }
    return began;
}

/* repl never stands in front of somebody's DDL: a lock that does not come soon is let go and tried again. */
static bool begin(struct look *l, bool *outside, struct err *e)
{
    for (int i = 1;; i++) {
        if (begin_with(l, outside, e) || (err_is(e, "55P03") && begin_without(l, outside, e)))
            return true;
        if (!err_is(e, "55P03") || i == LOCK_TRIES)
            return false;
        clock_sleep_ms(50u * (unsigned)i);
    }
}

/* The tables that owed something lately are locked at once, which saves a round trip and a look at the size of every
 * delta. What is owed is looked at in all tables as ever; where another one owes something, or a lock does not come at
 * once, *outside says that the list has to be asked for. */
static bool begin_hot(struct look *l, bool *outside, struct err *e)
{
    struct batch_task *t = l->t;
    const struct world *w = t->task.world;
    struct err failed;
    l->locked = arena_alloc(t->task.mem, (t->hot.count + 1) * sizeof *l->locked);
    l->nlocked = 0;
    for (size_t i = 0; i < t->hot.count; i++) {
        const struct relation *r = relations_by_id(&w->relations, t->hot.items[i]);
        if (r != NULL && !ids_have(&t->left_out, r->id))
            l->locked[l->nlocked++] = r;
    }
    t->dirty = t->hot.count;
    t->hot.count = 0; /* once: a second look asks */
    *outside = true;
    if (begin_with(l, outside, &failed))
        return true;
    *outside = true;
    if (err_is(&failed, "55P03"))
        return true;
    *e = failed;
    return false;
}

/* One look. Afterwards l->open says whether something is owed. */
static bool look(struct look *l, struct err *e)
{
    struct batch_task *t = l->t;
    bool outside = true;
    if (t->hot.count != 0 && !begin_hot(l, &outside, e))
        return false;
    while (outside) {
        int *ids;
        size_t n;
        bool others;
        if (!capture_dirty(l->source, &t->task.world->capture, &t->awake, t->written, t->task.mem, &ids, &n,
                           &others, e))
            return false;
        if (others) {
            woke(t);
            continue;
        }
        t->dirty = n;
        if (n == 0)
            return true;
        if (!choose_tables(l, ids, n)) {
            t->outcome = BATCH_UNKNOWN_TABLE;
            return true;
        }
        if (!begin(l, &outside, e))
            return false;
    }
    l->open = t->owed.count != 0;
    return l->open || pg_exec(l->source, "COMMIT", e);
}

/* Nothing is owed, but the target has no position yet: a batch without rows gives it one. */
static bool establish(struct look *l, struct err *e)
{
    bool outside;
    l->nlocked = 0;
    if (!begin(l, &outside, e))
        return false;
    l->open = !outside; /* else a change came between: the next look brings it */
    return true;
}

bool look_twice(struct look *l, struct err *e)
{
    struct batch_task *t = l->t;
    if (!look(l, e))
        return false;
    if (l->open || t->outcome == BATCH_UNKNOWN_TABLE)
        return true;
    if (!capture_arm(l->source, &t->task.world->capture, &t->awake, t->task.settings->ring_anyway != 0,
                     &t->bell, e))
        return false;
    /* It was armed all the while: nobody has written since the look without ringing, but those in flight when it was
     * armed, for whom the next looks are. */
    if (t->bell == BELL_WAS_RUNG && !look(l, e))
        return false;
    return l->open || t->outcome == BATCH_UNKNOWN_TABLE || !t->establish || establish(l, e);
}
