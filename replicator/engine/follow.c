/*
 * Following: when to look, and what a look's result leads to. While changes come, one batch follows another, with a
 * rest between them when they come steadily: a batch costs both servers about the same whether it brings five
 * transactions or fifty. When nothing is owed the doorbell is armed, and the next looks come after 5, 20, 100 ms and so
 * on, for writers that were in flight while it was.
 */
#include <stdlib.h>

#include "backlog.h"
#include "drift.h"
#include "held.h"
#include "repl/clock.h"
#include "rounds.h"

enum { ROTATE_EVERY_MS = 2000, RUNG_INDEX = 2, SILENT_MS = 50, STEADY_RUN = 2 };
enum { LOOK_SHARE = 50, LOOK_MOST_MS = 10000, SEQUENCES_SHARE = 20, STREAMS_FOR = 50, LATE_MOST = 3 };

static bool may_look(const struct engine *g)
{
    /* ANALYZE stands in nobody's way; foreign keys would. */
    bool life = g->life == LIFE_FOLLOWING || g->life == LIFE_CATCHING_UP ||
                (g->life == LIFE_FINISHING && g->established && g->finishing > 0);
    return life && (g->catchup == NULL || catchup_is_beside(g)) && !g->stopping && !g->paused &&
           !engine_in_trouble(g);
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
    t->positions = standing_proved(&g->standing, &g->world->state, t->task.mem);
    t->number = g->standing.number;
    t->batch = g->standing.batch;
    t->awake = sleep_awake(g, t->task.mem);
    t->min_bytes = quiet ? 1 : g->settings.rotate_bytes;
    g->looking = true;
    engine_submit(g, &t->task.job);
}

/* ---- looks ---- */

static void on_timer(uv_timer_t *timer)
{
    follow_look(timer->data);
}

/* Nobody rings: as often as takes the source no more than a twentieth of the time. */
static uint64_t silent_wait(uint64_t took_ms)
{
    return took_ms * 20 > SILENT_MS ? took_ms * 20 : SILENT_MS;
}

/* With thousands of tables a look takes long: an idle engine takes the source no more than a fiftieth of the time. */
static uint64_t rare_wait(uint64_t wait, uint64_t took_ms)
{
    uint64_t least = took_ms * LOOK_SHARE < LOOK_MOST_MS ? took_ms * LOOK_SHARE : LOOK_MOST_MS;
    return wait > least ? wait : least;
}

static void look_later(struct engine *g, const struct batch_task *t)
{
    static const unsigned waits[] = {5, 20, 100, 400};
    unsigned last = sizeof waits / sizeof *waits;
    uint64_t most = (uint64_t)g->settings.poll_ms, wait = g->look_index < last ? waits[g->look_index] : most;
    if (t->bell == BELL_SILENT)
        most = silent_wait(clock_ms() - t->began_ms) < most ? silent_wait(clock_ms() - t->began_ms) : most;
    wait = wait < most ? wait : most;
    if (g->look_index >= last && t->bell != BELL_SILENT)
        wait = rare_wait(wait, clock_ms() - t->began_ms);
    uv_timer_start(&g->look_timer, on_timer, wait, 0);
    /* Somebody rang and has not committed yet: keep looking often. */
    if (t->bell != BELL_WAS_RUNG || g->look_index < RUNG_INDEX)
        g->look_index += g->look_index < last;
    else
        g->look_index = RUNG_INDEX;
}

/* The first batches after a quiet moment follow at once, so that a single change is seen as soon as can be. A rest spares
 * servers: what a batch waited for the network was rest enough. */
static void look_on(struct engine *g, const struct batch_task *t)
{
    double rest = g->run < STEADY_RUN
                      ? 0
                      : burden_rest_ms(g, (t->seconds - t->waited_seconds) * 1e3, t->upserted + t->deleted);
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

/* Everything came but the changes of a table that cannot follow, or a sequence that somebody has: whoever waits for all of
 * them must hear of it. */
bool follow_left_behind(const struct engine *g, struct err *e)
{
    const struct err *why = drift_any(g);
    if (why == NULL && g->sequence_hold != NULL)
        why = hold_why(g->sequence_hold);
    if (why == NULL)
        return false;
    err_set(e, ERR_NOT_YET, "everything committed before is on the target, but for %s: %s", why->table,
            why->text);
    err_hint(e, "%s", why->hint[0] != '\0' ? why->hint : "mend it; repl status shows it");
    return true;
}

static void note_sequence(struct engine *g, const struct batch_task *t)
{
    if (t->unread.kind != ERR_NONE)
        hold_tells(g, t->unread.table, "its value follows when it is free", &g->sequence_hold, &t->unread);
    else if (t->asked)
        hold_ends(g, &g->sequence_hold, t->task.made_ms);
}

/* What is locked for a moment is waited for; not what is for long. */
static bool awaits_sequence(const struct engine *g)
{
    enum { PATIENCE_MS = 5000 };
    return g->sequence_hold != NULL && clock_ms() - hold_since_ms(g->sequence_hold) < PATIENCE_MS;
}

static void fulfil(struct engine *g, const struct batch_task *t)
{
    if (t->request > g->answered)
        g->answered = t->request;
    control_answer_waiting(g);
    if (g->o->once && g->answered >= 1) {
        struct err e;
        if (drift_any(g) != NULL)
            g->err = *drift_any(g);
        else if (follow_left_behind(g, &e))
            g->err = e;
        engine_stop(g, INTERRUPT_SOON);
    }
}

/* The look left nothing out that is on its way in. */
static bool brought_all(const struct engine *g, const struct batch_task *t)
{
    for (size_t i = 0; i < t->left_out.count; i++)
        if (!drift_holds(g, t->left_out.items[i]))
            return false;
    return true;
}

/* The target shows one snapshot now, but for tables that stand apart. What follows the rows, foreign keys first, wants
 * all of them: in a sync that is established it waits for the last, and for the indexes that are made beside. */
static void consistent(struct engine *g, const struct batch_task *t)
{
    bool waits = g->established && (g->standing.nown != 0 || g->finish != NULL);
    bool complete = g->finishing >= FINISHED || waits;
    if (g->life == LIFE_CATCHING_UP)
        phase_fire(g, complete ? EV_FOLLOW : EV_CONSISTENT);
    else if (g->life == LIFE_FOLLOWING && !complete)
        phase_fire(g, EV_CONSISTENT);
    if (complete && brought_all(g, t) && !awaits_sequence(g))
        fulfil(g, t);
}

/* What is owed, table by table, for status. */
static void keep_behind(struct engine *g, const struct batch_task *t)
{
    arena_reset(g->behind_mem);
    g->behind.count = 0;
    g->behind.items = arena_alloc(g->behind_mem, (t->owed.count + 1) * sizeof *g->behind.items);
    for (size_t i = 0; i < t->owed.count; i++)
        g->behind.items[g->behind.count++] = t->owed.items[i];
}

static void keep_hot(struct engine *g, const struct owed_list *l)
{
    g->hot = xrealloc(g->hot, (l->count + 1) * sizeof *g->hot);
    for (g->nhot = 0; g->nhot < l->count; g->nhot++)
        g->hot[g->nhot] = l->items[g->nhot].id;
}

/* owed_rows is what it is just now. */
static void learned(struct engine *g)
{
    g->known_ms = clock_ms();
    g->known_wall = clock_wall();
}

static void after_good_look(struct engine *g, const struct batch_task *t)
{
    supervise_good(g, g->trouble_unit == NULL);
    rounds_caught_up(g);
    g->widened = backlog_narrow(g->widened, t->share);
    g->looked_ms = t->began_ms;
    g->owed_rows = 0;
    learned(g);
    if (t->sequences) {
        g->sequences_ms = clock_ms();
        g->sequences_took_us = t->sequences_took_us;
        note_sequence(g, t);
    }
    if (t->outcome == BATCH_APPLIED) {
        g->look_index = 0;
        g->run++;
        standing_advance(&g->standing, t->owed.snapshot, t->written, &t->left_out);
        drift_joined(g, &t->left_out);
        keep_hot(g, &t->owed);
        if (t->too_wide)
            g->as_streams = STREAMS_FOR;
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
        look_on(g, t);
    else
        look_later(g, t);
}

static int64_t owed_sum(const struct owed_list *l)
{
    int64_t rows = 0;
    for (size_t i = 0; i < l->count; i++)
        rows += l->items[i].rows;
    return rows;
}

/* More is owed than one batch should bring. Passes that are under way beside the others, or constraints that are being
 * made, come first. */
static void behind(struct engine *g, const struct batch_task *t)
{
    if (catchup_is_beside(g) || g->life == LIFE_FINISHING) {
        g->look_wanted = true; /* when that is through */
        return;
    }
    catchup_prepare(g, t);
    if (t->beside) {
        catchup_begin(g);
        follow_look(g);
    } else {
        g->owed_rows = owed_sum(&t->owed);
        learned(g);
        keep_behind(g, t);
        phase_fire(g, EV_BEHIND);
    }
}

/* A batch is all of a snapshot or nothing: who has a row or a table of it locked, on either side, keeps all waiting. */
static void look_failed(struct engine *g, const struct err *e)
{
    g->looks_late += err_is(e, "57014") || e->kind == ERR_CONN;
    if (hold_takes(g, e->table[0] != '\0' ? e->table : "a batch", HOLD_ALL, &g->look_hold, e))
        g->look_wanted = true; /* held_tick() comes back */
    else
        supervise_error(g, e);
    engine_go_on_beside(g);
}

static void looked(struct engine *g, struct task *task)
{
    struct batch_task *t = (struct batch_task *)task;
    g->looking = false;
    if (!t->task.job.ok) {
        look_failed(g, &t->task.job.err);
        return;
    }
    hold_ends(g, &g->look_hold, t->task.made_ms);
    g->looks_late = 0;
    sleep_looked(g, t);
    switch (t->outcome) {
    case BATCH_UNKNOWN_TABLE:
        rounds_in_vain(g, ROUND_LOOKS,
                       "a table that the engine does not know has changes, and both sides are read again");
        drift_reopen(g);
        break;
    case BATCH_TOO_LARGE:
        rounds_in_vain(g, ROUND_LOOKS,
                       "more changes are pending than one batch should bring, and none of them moved");
        behind(g, t);
        break;
    case BATCH_WANTS_OTHERS:
        rounds_in_vain(g, ROUND_LOOKS, "a large batch waits for more workers to join");
        g->look_wanted = true; /* when they have joined */
        workers_settle(g);
        workers_use(g);
        break;
    default:
        after_good_look(g, t);
    }
    engine_go_on_beside(g);
}

/* A table that stood apart takes part again: the batch gives it the position of all, also where nothing is owed. */
static bool any_returns(const struct engine *g, const struct ids *left_out)
{
    for (size_t i = 0; i < g->standing.nown; i++)
        if (!ids_have(left_out, g->standing.own[i].id))
            return true;
    return false;
}

static struct ids hot(const struct engine *g, struct arena *a)
{
    int *ids = arena_alloc(a, (g->nhot + 1) * sizeof *ids);
    for (size_t i = 0; i < g->nhot; i++)
        ids[i] = g->hot[i];
    return (struct ids){ids, g->nhot};
}

void follow_look(struct engine *g)
{
    if (g->looking || !may_look(g) || hold_waits(g->look_hold)) {
        g->look_wanted = true;
        return;
    }
    uint64_t rest = rounds_rest_ms(g, ROUND_LOOKS);
    if (rest != 0) {
        g->look_wanted = true;
        uv_timer_start(&g->look_timer, on_timer, rest, 0);
        return;
    }
    struct batch_task *t = task_new(sizeof *t, job_batch, looked);
    uv_timer_stop(&g->look_timer);
    t->positions = standing_positions(&g->standing, t->task.mem);
    t->progress.throttle = g->throttle;
    t->batch = g->standing.batch;
    t->written = g->standing.written;
    t->request = g->surveyed;
    t->others_come = workers_are_coming(g);
    /* Thousands of them take longer than the rows of a small batch. */
    t->sequences = g->request > g->answered ||
                   clock_ms() - g->sequences_ms >= g->sequences_took_us * SEQUENCES_SHARE / 1000;
    t->asked = t->sequences && (g->request > g->answered || g->sequence_hold != NULL);
    if (g->rang || g->run != 0)
        t->hot = hot(g, t->task.mem);
    g->rang = false;
    t->as_streams = g->as_streams != 0;
    g->as_streams -= t->as_streams;
    /* A source that needs longer is not asked in vain for ever. */
    t->answer_ms = (unsigned)g->settings.answer_ms << (g->looks_late < LATE_MOST ? g->looks_late : LATE_MOST);
    t->left_out = drift_left_out(g, t->task.mem);
    t->widened = g->widened;
    t->follows = g->life == LIFE_FOLLOWING || g->steady;
    t->establish = g->standing.snapshot[0] == '\0' || any_returns(g, &t->left_out);
    sleep_prepare(g, t->establish || g->request > g->answered, t);
    g->look_wanted = false;
    g->looking = true;
    g->look_began_ms = clock_ms();
    engine_submit(g, &t->task.job);
}

void follow_begin(struct engine *g)
{
    g->look_index = 0;
    g->nhot = 0;
    sleep_begin(g);
    follow_look(g);
}

uint64_t follow_request(struct engine *g)
{
    g->request++;
    g->look_index = 0;
    supervise_again(g);
    drift_again(g);
    drift_requested(g);
    held_try_now(g);
    return g->request;
}
