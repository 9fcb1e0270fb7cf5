/*
 * Following: a look for what is owed, and the batch that brings it over. When nothing is owed the doorbell is armed
 * and a second look taken, for those who committed before it was.
 */
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/fault.h"

enum { LOCK_TRIES = 5 };

struct look {
    struct batch_task *t;
    struct conn *source;
    const struct relation **locked;
    size_t nlocked;
    bool open;  /* the source transaction is open, and owes something */
    bool ended; /* it owes too much, and is not open: a table that it needs is locked by others */
};

/* Puts tables to sleep, or finds who is awake since. */
static bool go_to_sleep(struct look *l, struct err *e)
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

/* On the way back what is owed is one batch, however much: foreign keys hold when a whole snapshot is there, and not
 * between the steps of passes. Else too many rows are too large, and too many bytes, for a rate those that its one
 * source transaction would read too long. What has no key cannot be brought over in steps, so it does not count there. */
static bool too_large(const struct batch_task *t)
{
    const struct relations *all = &t->task.world->relations;
    const struct settings *s = t->task.settings;
    int64_t rows = 0, limit = throttle_limit(t->progress.throttle);
    double bytes = 0, most = (double)s->batch_bytes,
           paid = (double)limit * (double)s->slice_ms * SLICE_MOST / 1e3;
    for (size_t i = 0; i < t->owed.count; i++) {
        const struct relation *r = relations_by_id(all, t->owed.items[i].id);
        rows += t->owed.items[i].rows;
        if (r->nkey != 0)
            bytes += (double)t->owed.items[i].rows * relation_row_bytes(r);
    }
    if (limit != 0 && paid < most)
        most = paid;
    return !t->task.sync->back && (rows > s->batch_rows || bytes > most);
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
            err_table(e, r->schema, r->name);
            return true;
        }
    }
    return false;
}

static bool begin_with(struct look *l, bool *outside, struct err *e)
{
    struct batch_task *t = l->t;
    bool ok =
        capture_begin(l->source, &t->task.world->capture, l->locked, l->nlocked, &t->awake, &t->positions,
                      &t->left_out, t->task.settings->batch_rows + 1, t->task.mem, &t->owed, outside, e);
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
    l->ended = began && *outside && too_large(l->t);
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
        if (!capture_dirty(l->source, &t->task.world->capture, &t->awake, t->task.mem, &ids, &n, &others, e))
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

static bool look_twice(struct look *l, struct err *e)
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

/* ---- sequences ---- */

/* What stands further on the source: read after the snapshot, so that no row is ahead of its sequence. */
static bool read_sequences(struct batch_task *t, struct conn *source, struct sequence_value **out,
                           size_t *count, struct err *e)
{
    struct sequences from;
    uint64_t began = clock_us();
    *count = 0;
    if (!t->sequences)
        return true;
    if (!sequences_look(source, t->task.sync->schema, t->task.mem, &from, e))
        return false;
    sequences_ahead(&from, t->task.world->sequences, t->task.mem, out, count);
    t->sequences_took_us = clock_us() - began;
    return true;
}

/* ---- the batch ---- */

static const char *position_of(const struct positions *p, int id)
{
    for (size_t i = 0; i < p->nown; i++)
        if (p->own[i].id == id)
            return p->own[i].snapshot;
    return p->snapshot;
}

/* Few rows, as far as is known how wide they are. A statement that is kept wants a position to begin with. */
static bool comes_as_values(const struct batch_task *t, const struct relation *r, const struct owed *o)
{
    const double few_bytes = 500000;
    return !t->as_streams && r->nkey != 0 && position_of(&t->positions, r->id)[0] != '\0' &&
           o->rows <= APPLY_FEW_ROWS && (double)o->rows * relation_row_bytes(r) <= few_bytes;
}

static struct apply_table *make_tables(struct batch_task *t)
{
    const struct world *w = t->task.world;
    struct apply_table *tables = arena_alloc(t->task.mem, (t->owed.count + 1) * sizeof *tables);
    for (size_t i = 0; i < t->owed.count; i++) {
        const struct relation *r = relations_by_id(&w->relations, t->owed.items[i].id);
        tables[i] = (struct apply_table){
            .source = r,
            .target = &w->targets[r - w->relations.items],
            .copy_sql =
                capture_batch_sql(t->task.mem, &w->capture, r, position_of(&t->positions, r->id), NULL),
            .truncated = t->owed.items[i].truncated,
            .owed = t->owed.items[i].rows,
        };
        if (comes_as_values(t, r, &t->owed.items[i]))
            tables[i].rows_of = capture_batch_kept(t->task.mem, &w->capture, r,
                                                   position_of(&t->positions, r->id), APPLY_FEW_ROWS + 1);
    }
    return tables;
}

/* A large batch is carried by several workers. */
static bool fan_out(struct batch_task *t, struct worker *w, struct conn *source, struct apply *a,
                    struct apply_fan *fan, struct err *e)
{
    const char **snapshots = arena_alloc(t->task.mem, (a->ntables + 1) * sizeof *snapshots);
    for (size_t i = 0; i < a->ntables; i++)
        snapshots[i] = position_of(&t->positions, a->tables[i].source->id);
    if (fan_cut(&t->task, a->tables, a->ntables, snapshots, NULL) < 2)
        return true;
    a->fan = fan;
    return fan_open(&t->task, w, source, a->tables, a->ntables, fan, e);
}

static bool move(struct batch_task *t, struct worker *w, struct conn *source, struct conn *target,
                 struct err *e)
{
    struct sequence_value *sequences = NULL;
    size_t nsequences;
    struct apply_fan fan;
    struct apply a = {
        .schema = t->task.sync->schema,
        .tables = make_tables(t),
        .ntables = t->owed.count,
        .begin_sql = t->task.sync->back ? back_begin_batch_sql(t->task.mem, t->task.sync->schema) : NULL,
        .source_end_sql = capture_end_sql(t->task.mem, &t->task.world->capture, t->batch),
        .position = position_advance(t->task.mem, t->task.sync->schema, t->batch, t->owed.snapshot,
                                     &t->task.world->source, t->left_out.items, t->left_out.count),
        .stages = worker_stages(w),
        .progress = &t->progress,
    };
    if (t->others_come && fan_is_worth(&t->task, a.tables, a.ntables)) {
        t->outcome = BATCH_WANTS_OTHERS;
        return pg_exec(source, "ROLLBACK", e);
    }
    if (!read_sequences(t, source, &sequences, &nsequences, e))
        return false;
    a.sequences = sequences;
    a.nsequences = nsequences;
    if (!fan_out(t, w, source, &a, &fan, e) || !apply_batch(source, target, &a, worker_arena(w), e)) {
        t->too_wide = t->too_wide || a.too_wide;
        return false;
    }
    sequences_note(t->task.world->sequences, sequences, nsequences);
    t->outcome = BATCH_APPLIED;
    t->tables = a.ntables;
    t->bytes = a.bytes;
    for (size_t i = 0; i < a.ntables; i++) {
        t->upserted += a.tables[i].upserted;
        t->deleted += a.tables[i].deleted;
    }
    return true;
}

/* Nothing but sequences moved: they are outside of transactions, and so of positions. */
static bool move_sequences(struct batch_task *t, struct conn *source, struct conn *target, struct err *e)
{
    struct sequence_value *s = NULL;
    size_t n;
    struct buf b = {0};
    if (!read_sequences(t, source, &s, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, sequence_set_sql(t->task.mem, &s[i]));
    bool ok = n == 0 || pg_exec(target, b.data, e);
    if (ok)
        sequences_note(t->task.world->sequences, s, n);
    buf_free(&b);
    return ok;
}

static bool look_and_move(struct batch_task *t, struct worker *w, struct err *e)
{
    struct look l = {.t = t};
    struct conn *target;
    if (!worker_source(w, &l.source, e) || !worker_target(w, &target, e) || !go_to_sleep(&l, e) ||
        !look_twice(&l, e))
        return false;
    fault_point("batch.looked");
    if (t->outcome == BATCH_UNKNOWN_TABLE)
        return true;
    if (!l.open) {
        t->outcome = BATCH_IDLE;
        return move_sequences(t, l.source, target, e);
    }
    if (too_large(t)) {
        t->outcome = BATCH_TOO_LARGE;
        return (l.ended || pg_exec(l.source, "ROLLBACK", e)) &&
               capture_weigh(l.source, &t->task.world->capture, &t->owed, e);
    }
    return move(t, w, l.source, target, e);
}

bool job_batch(struct worker *w, struct job *job, struct err *e)
{
    struct batch_task *t = (struct batch_task *)job;
    t->began_ms = clock_ms();
    uint64_t began = clock_us();
    bool ok = look_and_move(t, w, e);
    if (!ok && t->too_wide &&
        !t->as_streams) { /* wider than the catalogs know: once more, through one buffer */
        t->as_streams = true;
        err_clear(e);
        ok = look_and_move(t, w, e);
    }
    t->seconds = (double)(clock_us() - began) / 1e6;
    return ok;
}

bool job_rotate(struct worker *w, struct job *job, struct err *e)
{
    struct rotate_task *t = (struct rotate_task *)job;
    struct conn *source;
    return worker_source(w, &source, e) &&
           capture_rotate(source, &t->task.world->capture, &t->awake, &t->positions, t->batch, t->min_bytes,
                          &t->truncated, e);
}
