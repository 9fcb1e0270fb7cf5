/*
 * Catching up: one step of a pass over one table's deltas, in the order of their blocks. A step commits by itself,
 * with how far the pass has come; so a backlog of any size makes progress, and a crash costs one step. The rows are
 * read as they are now, later than the goal: what changed since is still owed to the batch after the pass.
 */
#include "backlog.h"
#include "repl/fault.h"

static bool begin_pass(struct catchup_task *t, struct conn *source, int id, struct err *e)
{
    struct pass_start now;
    fault_point("catchup.begin");
    if (!capture_begin_pass(source, &t->task.world->capture, id, t->snapshot, t->task.mem, &now, e))
        return false;
    t->end_a = now.a_blocks;
    t->end_b = now.b_blocks;
    if (t->goal == NULL) {
        t->goal = now.snapshot;
        t->truncated = now.truncated;
        t->side = 'a';
        t->block = 0;
    }
    return true;
}

/* Rows of one step: no more than are of a batch's size, and under a rate no more than it brings in some seconds, since a
 * step is one source transaction. */
static int64_t step_rows(const struct catchup_task *t)
{
    const struct settings *s = t->task.settings;
    int64_t limit = throttle_limit(t->progress.throttle);
    double rows = (double)s->step_rows * t->widened;
    double width = widths_of(t->task.widths, &t->task.world->relations.items[t->index]);
    double most = (double)s->batch_bytes * t->widened / width;
    double paid = (double)limit / t->task.jobs * (double)s->slice_ms / 1e3 / width;
    if (most < rows)
        rows = most;
    if (limit != 0 && paid < rows)
        rows = paid;
    return (int64_t)rows;
}

/* The next range of the pass; moves the pass behind it. */
static struct delta_range next_range(struct catchup_task *t)
{
    int64_t blocks = step_rows(t) / DELTA_ROWS_PER_BLOCK + 1;
    if (t->side == 'a' && t->block >= t->end_a) {
        t->side = 'b';
        t->block = 0;
    }
    struct delta_range r = {.side = t->side, .from = t->block, .to = t->block + blocks};
    t->block = r.to;
    t->finished = t->side == 'b' && t->block >= t->end_b;
    return r;
}

/* first: of its pass; else it follows the one that ended at from. */
static bool apply_step(struct worker *w, struct catchup_task *t, struct conn *source, struct conn *target,
                       bool first, struct step_place from, const struct delta_range *range, struct err *e)
{
    const struct world *world = t->task.world;
    const struct relation *r = &world->relations.items[t->index];
    struct step_place to = {t->side, t->block};
    struct apply_table table = {
        .source = r,
        .target = &world->targets[t->index],
        .copy_sql = capture_batch_sql(t->task.mem, &world->capture, r, t->snapshot, range),
        .truncated = t->truncated,
        .owed = t->task.settings->step_rows,
    };
    struct apply a = {
        .schema = t->task.sync->schema,
        .search_path = world->capture.search_path,
        .tables = &table,
        .ntables = 1,
        .source_end_sql = capture_end_sql(t->task.mem, &world->capture, t->written),
        .position.execute = position_catchup_sql(t->task.mem, t->task.sync->schema, r->id, t->goal, first,
                                                 from, to, t->finished),
        .step_of = r->id,
        .stages = worker_stages(w),
        .progress = &t->progress,
    };
    struct apply_fan fan;
    bool fans = fan_cut(&t->task, &table, 1, &t->snapshot, range) > 1;
    if (fans)
        a.fan = &fan;
    bool ok = capture_begin_step(source, &world->capture, r, e) &&
              (!fans || fan_open(&t->task, w, source, &table, 1, &fan, e)) &&
              apply_batch(source, target, &a, worker_arena(w), e);
    if (ok)
        t->written = a.written.number;
    t->upserted += table.upserted;
    t->deleted += table.deleted;
    if (ok)
        widths_moved(t->task.widths, r->id, table.rows, table.bytes);
    return ok || err_relation(e, r);
}

/* A row of this step wants a unique value that a row of a later step still has. */
static bool in_each_others_way(const struct err *e)
{
    return err_is(e, "23505") || err_is(e, "23P01");
}

bool job_catchup(struct worker *w, struct job *job, struct err *e)
{
    struct catchup_task *t = (struct catchup_task *)job;
    const struct relation *r = &t->task.world->relations.items[t->index];
    struct conn *source, *target;
    bool first = t->goal == NULL;
    struct step_place from = {t->side, t->block};
    pg_step("catching up", r->label);
    if (!worker_source(w, &source, e) || !worker_target(w, &target, e))
        return false;
    if ((t->goal == NULL || (t->end_a == 0 && t->end_b == 0)) && !begin_pass(t, source, r->id, e))
        return false;
    if (!t->whole && r->nkey != 0) {
        struct delta_range range = next_range(t);
        if (apply_step(w, t, source, target, first, from, &range, e))
            return true;
        if (!in_each_others_way(e))
            return false;
        t->whole = true;
    }
    t->finished = true;
    return apply_step(w, t, source, target, first, from, NULL, e);
}
