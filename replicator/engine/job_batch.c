/* Following: the batch that brings over what a look found. */
#include <stdlib.h>
#include <string.h>

#include "backlog.h"
#include "look.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/fault.h"

/* Somebody has a sequence: its value follows when he has let it go, and whoever waits for all must hear of it. */
static void note_unread(struct batch_task *t, struct conn *source, const struct sequences *from)
{
    const struct sequence *s = sequences_locked(from, t->task.world->sequences);
    err_clear(&t->unread);
    if (!t->asked || s == NULL)
        return;
    err_set(&t->unread, ERR_NOT_YET, "the sequence is locked on the %s", side_name(conn_side(source)));
    err_table(&t->unread, s->schema, s->name);
    catalog_blame(source, &t->unread);
}

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
    note_unread(t, source, &from);
    t->sequences_took_us = clock_us() - began;
    return true;
}

/* ---- the batch ---- */

struct ranked {
    struct owed owed;
    size_t rank;
};

static int by_rank(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    return a->rank != b->rank ? (a->rank > b->rank) - (a->rank < b->rank)
                              : (a->owed.id > b->owed.id) - (a->owed.id < b->owed.id);
}

/* Tables that others look at come before these. */
static void order_tables(struct batch_task *t)
{
    struct ranked *all = arena_alloc(t->task.mem, (t->owed.count + 1) * sizeof *all);
    for (size_t i = 0; i < t->owed.count; i++)
        all[i] = (struct ranked){t->owed.items[i],
                                 relations_by_id(&t->task.world->relations, t->owed.items[i].id)->rank};
    qsort(all, t->owed.count, sizeof *all, by_rank);
    for (size_t i = 0; i < t->owed.count; i++)
        t->owed.items[i] = all[i].owed;
}

/* Of the smallest: the look and the reading, the merge and COMMIT. */
enum { SOURCE_TRIPS = 2, TARGET_TRIPS = 2 };

/* Few rows, as far as is known how wide they are. A statement that is kept wants a position to begin with. */
static bool comes_as_values(const struct batch_task *t, const struct relation *r, const struct owed *o)
{
    const double few_bytes = 500000;
    return !t->as_streams && r->nkey != 0 && positions_of(&t->positions, r->id)[0] != '\0' &&
           o->rows <= APPLY_FEW_ROWS && (double)o->rows * widths_of(t->task.widths, r) <= few_bytes;
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
                capture_batch_sql(t->task.mem, &w->capture, r, positions_of(&t->positions, r->id), NULL),
            .truncated = t->owed.items[i].truncated,
            .owed = t->owed.items[i].rows,
        };
        if (comes_as_values(t, r, &t->owed.items[i]))
            tables[i].rows_of = capture_batch_kept(t->task.mem, &w->capture, r,
                                                   positions_of(&t->positions, r->id), APPLY_FEW_ROWS + 1);
    }
    return tables;
}

/* A large batch is carried by several workers. */
static bool fan_out(struct batch_task *t, struct worker *w, struct conn *source, struct apply *a,
                    struct apply_fan *fan, struct err *e)
{
    const char **snapshots = arena_alloc(t->task.mem, (a->ntables + 1) * sizeof *snapshots);
    for (size_t i = 0; i < a->ntables; i++)
        snapshots[i] = positions_of(&t->positions, a->tables[i].source->id);
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
    order_tables(t);
    struct apply a = {
        .schema = t->task.sync->schema,
        .search_path = t->task.world->capture.search_path,
        .tables = make_tables(t),
        .ntables = t->owed.count,
        .begin_sql = t->task.sync->back ? back_begin_batch_sql(t->task.mem, t->task.sync->schema) : NULL,
        .source_end_sql = capture_end_sql(t->task.mem, &t->task.world->capture, t->written),
        .position = position_advance(t->task.mem, t->task.sync->schema, t->batch, t->owed.snapshot,
                                     &t->task.world->source, t->left_out.items, t->left_out.count),
        .stages = worker_stages(w),
        .in_turn = t->in_turn,
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
    t->waited_seconds =
        (double)(SOURCE_TRIPS * conn_trip_us(source) + TARGET_TRIPS * conn_trip_us(target)) / 1e6;
    t->outcome = BATCH_APPLIED;
    t->written = a.written.number;
    t->tables = a.ntables;
    t->bytes = a.bytes;
    for (size_t i = 0; i < a.ntables; i++) {
        t->upserted += a.tables[i].upserted;
        t->deleted += a.tables[i].deleted;
        widths_moved(t->task.widths, a.tables[i].source->id, a.tables[i].rows, a.tables[i].bytes);
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
    pg_step("asking what changed", NULL);
    if (!worker_source(w, &l.source, e) || !worker_target(w, &target, e))
        return false;
    conn_bound(l.source, t->answer_ms);
    if (!look_go_to_sleep(&l, e) || !look_twice(&l, e))
        return false;
    fault_point("batch.looked");
    if (t->outcome == BATCH_UNKNOWN_TABLE)
        return true;
    if (!l.open) {
        t->outcome = BATCH_IDLE;
        return move_sequences(t, l.source, target, e);
    }
    if (l.ended || backlog_is_large(t)) {
        t->outcome = BATCH_TOO_LARGE;
        return (l.ended || pg_exec(l.source, "ROLLBACK", e)) &&
               capture_weigh(l.source, &t->task.world->capture, &t->owed, e);
    }
    conn_bound(l.source, 0); /* as long as the rows take */
    pg_step("bringing over a batch", NULL);
    return move(t, w, l.source, target, e);
}

/* A row may be refused since another table's rows are not there yet. */
static bool may_want_another(const struct batch_task *t, const struct err *e)
{
    return e->kind == ERR_SQL && !err_is_transient(e) && e->relation != 0 && t->owed.count > 1 &&
           strcmp(e->side, side_name(SIDE_TARGET)) == 0;
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
    if (!ok && may_want_another(t, e)) {
        t->in_turn = true;
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
    pg_step("truncating changes that are applied", NULL);
    return worker_source(w, &source, e) &&
           capture_rotate(source, &t->task.world->capture, &t->awake, &t->positions, t->number, t->batch,
                          t->min_bytes, &t->truncated, e);
}
