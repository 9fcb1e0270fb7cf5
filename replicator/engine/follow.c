/*
 * Following: when to look, and what a look's result leads to. While changes come, one batch follows another, with a
 * rest between them when they come steadily: a batch costs both servers about the same whether it brings five
 * transactions or fifty. When nothing is owed the doorbell is armed, and the next looks come after 5, 20, 100 ms and so
 * on, for writers that were in flight while it was.
 */
#include <stdlib.h>

#include "private.h"
#include "repl/clock.h"
#include "repl/log.h"

enum { ROTATE_EVERY_MS = 2000, RUNG_INDEX = 2, STEADY_RUN = 2, RESTS_A_BATCH = 2 };

static bool may_look(const struct engine *g)
{
    return (g->life == LIFE_FOLLOWING || g->life == LIFE_CATCHING_UP) && g->catchup == NULL && !g->stopping &&
           !g->paused && !g->trouble;
}

/* ---- positions for jobs: copies, since the loop may change its own meanwhile ---- */

struct positions standing_positions(const struct standing *s, struct arena *a)
{
    struct table_position *own = arena_alloc(a, (s->nown + 1) * sizeof *own);
    for (size_t i = 0; i < s->nown; i++)
        own[i] = (struct table_position){s->own[i].id, arena_strdup(a, s->own[i].snapshot)};
    return (struct positions){arena_strdup(a, s->snapshot), own, s->nown};
}

static bool is_in(int id, const int *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* All tables stand at snapshot now but those the batch left out: they stay where they were. The same as
 * sql/target/position_advance.sql does on the target. */
static void advance(struct standing *s, const char *snapshot, const int *left_out, size_t nleft_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->nown; i++)
        if (is_in(s->own[i].id, left_out, nleft_out))
            s->own[kept++] = s->own[i];
        else
            free(s->own[i].snapshot);
    s->nown = kept;
    for (size_t i = 0; i < nleft_out; i++) {
        bool apart = false;
        for (size_t k = 0; k < kept; k++)
            apart = apart || s->own[k].id == left_out[i];
        if (!apart) {
            s->own = xrealloc(s->own, (s->nown + 1) * sizeof *s->own);
            s->own[s->nown++] = (struct own_position){left_out[i], xstrdup(s->snapshot)};
        }
    }
    free(s->snapshot);
    s->snapshot = xstrdup(snapshot);
    s->batch++;
}

/* ---- rotation ---- */

static void rotated(struct engine *g, struct task *task)
{
    struct rotate_task *t = (struct rotate_task *)task;
    g->looking = false;
    g->rotated_ms = clock_ms();
    if (!t->task.job.ok)
        supervise_error(g, &t->task.job.err);
    else
        follow_look(g);
}

static void rotate(struct engine *g, bool quiet)
{
    struct rotate_task *t = task_new(sizeof *t, job_rotate, rotated);
    t->positions = standing_positions(&g->standing, t->task.mem);
    t->batch = g->standing.batch;
    t->min_bytes = quiet ? 1 : g->settings.rotate_bytes;
    g->looking = true;
    engine_submit(g, &t->task.job);
}

/* ---- looks ---- */

static void on_timer(uv_timer_t *timer)
{
    follow_look(timer->data);
}

static void look_later(struct engine *g, bool was_armed)
{
    static const unsigned waits[] = {5, 20, 100, 400};
    unsigned last = sizeof waits / sizeof *waits;
    uint64_t wait = g->look_index < last ? waits[g->look_index] : (uint64_t)g->settings.poll_ms;
    if (wait > (uint64_t)g->settings.poll_ms)
        wait = (uint64_t)g->settings.poll_ms;
    uv_timer_start(&g->look_timer, on_timer, wait, 0);
    /* Somebody rang and has not committed yet: keep looking often. */
    if (was_armed || g->look_index < RUNG_INDEX)
        g->look_index += g->look_index < last;
    else
        g->look_index = RUNG_INDEX;
}

/* The first batches after a quiet moment follow at once, so that a single change is seen as soon as can be. */
static void look_on(struct engine *g)
{
    double rest = g->run < STEADY_RUN ? 0 : g->last_batch.last_batch.seconds * 1e3 * RESTS_A_BATCH;
    if (rest > (double)g->settings.rest_ms)
        rest = (double)g->settings.rest_ms;
    if (rest < 1)
        follow_look(g);
    else
        uv_timer_start(&g->look_timer, on_timer, (uint64_t)rest, 0);
}

static void note_batch(struct engine *g, const struct batch_task *t)
{
    char at[32];
    struct status *s = &g->last_batch;
    free(s->last_batch.at);
    s->last_batch.at = xstrdup(clock_iso(at, sizeof at, clock_wall()));
    s->last_batch.tables = (int)t->tables;
    s->last_batch.rows_upserted = t->upserted;
    s->last_batch.rows_deleted = t->deleted;
    s->last_batch.bytes = t->bytes;
    s->last_batch.seconds = t->seconds;
    g->batch_unsaved = true;
}

static void fulfil(struct engine *g, const struct batch_task *t)
{
    if (t->request > g->answered)
        g->answered = t->request;
    control_answer_waiting(g);
    if (g->o->once && g->answered >= 1)
        engine_stop(g, INTERRUPT_SOON);
}

/* The target shows one snapshot now. */
static void consistent(struct engine *g, const struct batch_task *t)
{
    bool complete = g->finishing >= FINISHED;
    if (g->life == LIFE_CATCHING_UP)
        phase_fire(g, complete ? EV_FOLLOW : EV_CONSISTENT);
    if (complete)
        fulfil(g, t);
}

static void keep_behind(struct engine *g, const struct batch_task *t)
{
    arena_reset(g->behind_mem);
    g->behind.count = t->owed.count;
    g->behind.items = arena_alloc(g->behind_mem, (t->owed.count + 1) * sizeof *g->behind.items);
    for (size_t i = 0; i < t->owed.count; i++)
        g->behind.items[i] = t->owed.items[i];
}

static void after_good_look(struct engine *g, const struct batch_task *t)
{
    supervise_good(g);
    g->looked_ms = t->began_ms;
    g->owed_rows = 0;
    if (t->outcome == BATCH_APPLIED) {
        g->look_index = 0;
        g->run++;
        advance(&g->standing, t->owed.snapshot, t->left_out, t->nleft_out);
        note_batch(g, t);
    } else {
        g->run = 0;
    }
    consistent(g, t);
    if (!may_look(g))
        return;
    if (t->dirty != 0 && clock_ms() - g->rotated_ms > ROTATE_EVERY_MS)
        rotate(g, t->outcome == BATCH_IDLE);
    else if (g->look_wanted)
        follow_look(g);
    else if (t->outcome == BATCH_APPLIED)
        look_on(g);
    else
        look_later(g, t->was_armed);
}

static int64_t owed_sum(const struct owed_list *l)
{
    int64_t rows = 0;
    for (size_t i = 0; i < l->count; i++)
        rows += l->items[i].rows;
    return rows;
}

static void looked(struct engine *g, struct task *task)
{
    struct batch_task *t = (struct batch_task *)task;
    g->looking = false;
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    switch (t->outcome) {
    case BATCH_UNKNOWN_TABLE:
        phase_fire(g, EV_CHANGED);
        break;
    case BATCH_TOO_LARGE:
        supervise_good(g);
        g->owed_rows = owed_sum(&t->owed);
        keep_behind(g, t);
        phase_fire(g, EV_BEHIND);
        break;
    default:
        after_good_look(g, t);
    }
}

void follow_look(struct engine *g)
{
    if (g->looking || !may_look(g)) {
        g->look_wanted = true;
        return;
    }
    struct batch_task *t = task_new(sizeof *t, job_batch, looked);
    uv_timer_stop(&g->look_timer);
    t->positions = standing_positions(&g->standing, t->task.mem);
    t->progress.throttle = g->throttle;
    t->batch = g->standing.batch;
    t->request = g->request;
    t->establish = g->standing.snapshot[0] == '\0' || g->standing.nown > g->nleft_out;
    int *left_out = arena_alloc(t->task.mem, (g->nleft_out + 1) * sizeof *left_out);
    for (size_t i = 0; i < g->nleft_out; i++)
        left_out[i] = g->left_out[i];
    t->left_out = left_out;
    t->nleft_out = g->nleft_out;
    g->look_wanted = false;
    g->looking = true;
    engine_submit(g, &t->task.job);
}

void follow_begin(struct engine *g)
{
    g->look_index = 0;
    follow_look(g);
}

uint64_t follow_request(struct engine *g)
{
    g->request++;
    g->look_index = 0;
    supervise_again(g);
    follow_look(g);
    return g->request;
}
