/*
 * Batch or passes: one decision by one measure. The measure is delta rows, and bytes by what rows of the table weighed
 * when they were moved lately (widths.c). The decision has to end: passes are over at least one table that owes
 * something, so each round moves rows; the heaviest tables are passed over, until the rest is well within a batch, so that
 * small tables do not take turns for ever; and where the source writes more than a batch while a round of passes lasts,
 * the limits widen from round to round.
 */
#include "backlog.h"

#include <assert.h>
#include <stdlib.h>

struct load {
    double rows, bytes;
};

struct limit {
    double rows, bytes;
};

/* Under a rate a batch has those bytes that its one source transaction may take to read. */
static struct limit limit_of(const struct batch_task *t)
{
    const struct settings *s = t->task.settings;
    int64_t rate = throttle_limit(t->progress.throttle);
    struct limit l = {(double)s->batch_rows, (double)s->batch_bytes};
    double paid = (double)rate * (double)s->slice_ms * SLICE_MOST / 1e3;
    if (rate != 0 && paid < l.bytes)
        l.bytes = paid;
    l.rows *= t->widened;
    l.bytes *= t->widened;
    return l;
}

/* What cannot be divided weighs nothing: passes would move it in one piece, too. */
static struct load load_of(const struct batch_task *t, const struct owed *o)
{
    const struct relation *r = relations_by_id(&t->task.world->relations, o->id);
    struct load l = {.rows = (double)o->rows};
    if (r != NULL && r->nkey != 0 && o->rows > DELTA_ROWS_PER_BLOCK)
        l.bytes = l.rows * widths_of(t->task.widths, r);
    return l;
}

/* Which part of a batch it fills; above 1: more than one. */
static double share(const struct limit *most, const struct load *l)
{
    double rows = l->rows / most->rows, bytes = l->bytes / most->bytes;
    return rows > bytes ? rows : bytes;
}

static void add(struct load *sum, const struct load *l)
{
    sum->rows += l->rows;
    sum->bytes += l->bytes;
}

struct candidate {
    int id;
    double share;
    struct load load;
};

static int by_share(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    return a->share != b->share ? (a->share < b->share) - (a->share > b->share)
                                : (a->id > b->id) - (a->id < b->id);
}

static bool stands_apart(const struct positions *p, int id)
{
    for (size_t i = 0; i < p->nown; i++)
        if (p->own[i].id == id)
            return true;
    return false;
}

/* Tables that stand apart, where all others are within a batch: they catch up beside them. */
static bool choose_apart(struct batch_task *t, const struct limit *most, const struct candidate *all,
                         int *ids)
{
    struct load rest = {0};
    size_t n = 0;
    for (size_t i = 0; i < t->owed.count; i++) {
        if (stands_apart(&t->positions, all[i].id))
            ids[n++] = all[i].id;
        else
            add(&rest, &all[i].load);
    }
    if (!t->follows || n == 0 || share(most, &rest) > 1)
        return false;
    t->passes = (struct ids){ids, n};
    return true;
}

/* The heaviest, until the others fill no more than half a batch. */
static void choose_heaviest(struct batch_task *t, const struct limit *most, struct candidate *all, int *ids)
{
    const double enough = 0.5;
    size_t n = 0;
    qsort(all, t->owed.count, sizeof *all, by_share);
    struct load rest = {0};
    for (size_t i = 0; i < t->owed.count; i++)
        add(&rest, &all[i].load);
    while (n < t->owed.count && share(most, &rest) > enough) {
        rest.rows -= all[n].load.rows;
        rest.bytes -= all[n].load.bytes;
        ids[n] = all[n].id;
        n++;
    }
    t->passes = (struct ids){ids, n};
}

bool backlog_has_unknown(const struct batch_task *t)
{
    for (size_t i = 0; i < t->owed.count; i++)
        if (relations_by_id(&t->task.world->relations, t->owed.items[i].id) == NULL)
            return true;
    return false;
}

/* On the way back what is owed is one batch, however much: foreign keys hold when a whole snapshot is there, and not
 * between the steps of passes. */
bool backlog_is_large(struct batch_task *t)
{
    const struct limit most = limit_of(t);
    struct candidate *all = arena_alloc(t->task.mem, (t->owed.count + 1) * sizeof *all);
    int *ids = arena_alloc(t->task.mem, (t->owed.count + 1) * sizeof *ids);
    struct load sum = {0};
    for (size_t i = 0; i < t->owed.count; i++) {
        const struct load l = load_of(t, &t->owed.items[i]);
        all[i] = (struct candidate){t->owed.items[i].id, share(&most, &l), l};
        add(&sum, &l);
    }
    t->passes = (struct ids){NULL, 0};
    t->share = share(&most, &sum);
    if (t->task.sync->back || t->share <= 1)
        return false;
    t->beside = choose_apart(t, &most, all, ids);
    if (!t->beside)
        choose_heaviest(t, &most, all, ids);
    assert(t->passes.count != 0);
    return true;
}

double backlog_widen(double widened, unsigned rounds)
{
    enum { ORDINARY = 2 };
    return rounds > ORDINARY ? widened * 4 : widened;
}

double backlog_narrow(double widened, double share)
{
    const double little = 0.25;
    return widened > 1 && share < little ? widened / 2 : widened;
}
