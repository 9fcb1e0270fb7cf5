/* The first copy, seen from the loop: which chunks go to a free worker next. Largest first, a table's chunks to as many
 * workers as are free, small ones together. */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "finish.h"
#include "repl/clock.h"
#include "rounds.h"
#include "summary.h"

/* The table has arrived. */
static void table_copied(struct engine *g, struct table_plan *p)
{
    p->state = TABLE_COPIED;
    summary_table(g, p);
    free(p->meter);
    p->meter = NULL;
    g->copy.open--;
    if (g->life != LIFE_COPYING)
        g->look_wanted = true;
}

/* ---- marking a table done ---- */

/* The error of a table is over when rows of that table have come, not when others have. */
static bool is_over_of(const struct engine *g, size_t index)
{
    int id = g->trouble_err.relation;
    return g->trouble_unit == NULL &&
           (g->trouble_life != LIFE_COPYING || id == 0 || g->world->relations.items[index].id == id);
}

static void copied(struct engine *g, struct task *task)
{
    struct copied_task *t = (struct copied_task *)task;
    struct table_plan *p = copy_table(g, t->index);
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    table_copied(g, p);
    supervise_good(g, is_over_of(g, t->index));
    rounds_moved(g);
    copy_dispatch(g);
    if (g->look_wanted)
        follow_look(g);
}

static void mark_copied(struct engine *g, struct table_plan *p)
{
    struct copied_task *t = task_new(sizeof *t, job_copied, copied);
    t->index = p->index;
    p->state = TABLE_MARKING;
    engine_submit(g, &t->task.job);
}

/* ---- chunks that have ended ---- */

static void drop_running(struct table_plan *p, const struct chunk_piece *piece)
{
    for (size_t i = 0; i < p->nrunning; i++)
        if (p->running[i].piece == piece)
            p->running[i] = p->running[--p->nrunning];
}

static void piece_done(struct engine *g, struct table_plan *p, const struct chunk_ref *c,
                       const struct chunk_piece *piece, uint64_t made_ms)
{
    hold_ends(g, &p->hold, made_ms);
    p->rows += piece->mark.rows;
    p->wire_bytes += piece->mark.bytes;
    widths_moved(g->widths, piece->mark.relation, piece->mark.rows, piece->mark.bytes);
    p->bytes_done += copy_cut(p, c->place)->bytes;
    p->chunks[c->place].state = CHUNK_DONE;
    p->left--;
    if (piece->completes)
        table_copied(g, p);
}

/* It was held, or another was rewritten that only shared its transaction. */
static void give_back(struct table_plan *p, size_t place)
{
    p->chunks[place].state = CHUNK_WAITING;
    p->next = place < p->next ? place : p->next;
}

/* Others have one of its tables locked: that one waits, and the others are given out again. */
static bool table_is_held(struct engine *g, const struct chunk_task *t)
{
    for (size_t i = 0; i < t->npieces; i++) {
        struct table_plan *p = copy_table(g, t->chunks[i].table->index);
        const struct relation *r = &g->world->relations.items[p->index];
        if (r->id == t->task.job.err.relation)
            return hold_takes(g, r->label, HOLD_ONE_TABLE, &p->hold, &t->task.job.err);
    }
    return false;
}

static bool is_over(const struct engine *g, const struct chunk_task *t)
{
    bool over = false;
    for (size_t i = 0; i < t->npieces && !over; i++)
        over = is_over_of(g, t->chunks[i].table->index);
    return over;
}

static void chunk_done(struct engine *g, struct task *task)
{
    struct chunk_task *t = (struct chunk_task *)task;
    for (size_t i = 0; i < t->npieces; i++)
        drop_running(copy_table(g, t->chunks[i].table->index), &t->pieces[i]);
    bool held = !t->task.job.ok && table_is_held(g, t);
    if (!t->task.job.ok && !held) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    bool moved = t->rewritten == t->npieces && !t->put_back && !held;
    for (size_t i = 0; i < t->npieces; i++) {
        struct table_plan *p = copy_table(g, t->chunks[i].table->index);
        if (moved)
            piece_done(g, p, &t->chunks[i], &t->pieces[i], t->task.made_ms);
        else
            give_back(p, t->chunks[i].place);
    }
    if (t->rewritten != t->npieces && !held)
        copy_table(g, t->chunks[t->rewritten].table->index)->state = TABLE_REWRITTEN;
    if (moved) {
        standing_written(&g->standing, t->written);
        supervise_good(g, is_over(g, t));
        rounds_moved(g);
    }
    copy_dispatch(g);
    if (g->look_wanted)
        follow_look(g);
}

/* ---- chunks to give out ---- */

static bool has_waiting(struct table_plan *p)
{
    while (p->next < p->nchunks && p->chunks[p->next].state != CHUNK_WAITING)
        p->next++;
    return p->next < p->nchunks;
}

/* A group that is being put together. */
struct group {
    struct chunk_ref chunks[CHUNK_GROUP_MAX];
    size_t count;
    int64_t bytes, limit;
};

/* Puts the table's next chunks into the group, as far as there is room. */
static void take_chunks(struct group *group, struct table_plan *p)
{
    while (group->count < CHUNK_GROUP_MAX && has_waiting(p)) {
        int64_t bytes = copy_cut(p, p->next)->bytes;
        if (group->count != 0 && group->bytes + bytes > group->limit)
            return;
        const struct planned_chunk *c = &p->chunks[p->next];
        group->chunks[group->count++] = (struct chunk_ref){p->cut, c->heap, c->number, p->next};
        group->bytes += bytes;
        p->chunks[p->next].state = CHUNK_GIVEN;
    }
}

static void add_running(struct table_plan *p, struct chunk_piece *piece, size_t place)
{
    if (p->began_ms == 0)
        p->began_ms = clock_ms();
    p->running = xrealloc(p->running, (p->nrunning + 1) * sizeof *p->running);
    p->running[p->nrunning++] = (struct running_chunk){piece, copy_cut(p, place)->bytes};
}

/* All that is left of a table is in this group, and this is the last of it. */
static bool ends_table(const struct group *group, size_t at, size_t left)
{
    const struct table_cut *table = group->chunks[at].table;
    if (at + 1 < group->count && group->chunks[at + 1].table == table)
        return false;
    size_t here = 0;
    for (size_t i = 0; i <= at; i++)
        here += group->chunks[i].table == table;
    return here == left;
}

static void submit_group(struct engine *g, const struct group *group)
{
    struct chunk_task *t = task_new(sizeof *t, job_chunk, chunk_done);
    t->npieces = group->count;
    t->speed = eta_rate(&g->meter.bytes);
    t->written = g->standing.written;
    t->chunks = arena_alloc(t->task.mem, group->count * sizeof *t->chunks);
    t->pieces = arena_alloc(t->task.mem, group->count * sizeof *t->pieces);
    for (size_t i = 0; i < group->count; i++) {
        t->chunks[i] = group->chunks[i];
        struct table_plan *p = copy_table(g, t->chunks[i].table->index);
        t->pieces[i].progress.throttle = g->throttle;
        add_running(p, &t->pieces[i], t->chunks[i].place);
        t->pieces[i].completes = ends_table(group, i, p->left);
    }
    engine_submit(g, &t->task.job);
}

static int by_rank(const void *x, const void *y, void *relations)
{
    const struct relation *all = relations;
    const struct chunk_ref *a = x, *b = y;
    size_t one = all[a->table->index].rank, two = all[b->table->index].rank;
    return one != two ? (one > two) - (one < two) : (a->place > b->place) - (a->place < b->place);
}

/* Under a rate a group is no larger than what its transaction may read in its time. */
static int64_t group_limit(const struct engine *g)
{
    int64_t rate = throttle_limit(g->throttle), most = g->settings.chunk_min_bytes;
    int64_t slice = (int64_t)((double)rate / g->jobs * (double)g->settings.slice_ms / 1e3);
    return rate != 0 && slice < most ? slice : most;
}

/* The chunks of the table at that place, and small ones of those behind it with them; false where none waits. */
static bool give_chunks(struct engine *g, size_t at)
{
    struct group group = {.limit = group_limit(g)};
    for (size_t i = at; i < g->copy.ntables && group.bytes < group.limit && group.count < CHUNK_GROUP_MAX;
         i++) {
        struct table_plan *p = &g->copy.tables[i];
        if (p->state == TABLE_COPYING && !copy_rests(g, p) && p->fork == g->copy.tables[at].fork)
            take_chunks(&group, p);
        if (group.count == 0)
            return false;
    }
    /* One transaction: the rows that others want to see come first. */
    qsort_r(group.chunks, group.count, sizeof *group.chunks, by_rank, g->world->relations.items);
    submit_group(g, &group);
    return true;
}

/* One piece of the work of the table at that place; false where it has none to give just now. */
static bool give_work(struct engine *g, size_t at)
{
    struct table_plan *p = &g->copy.tables[at];
    switch (p->state) {
    case TABLE_WAITING:
        copy_start_plan(g, at);
        return true;
    case TABLE_REWRITTEN:
        if (p->nrunning != 0)
            return false;
        copy_start_plan(g, at);
        return true;
    case TABLE_COPYING:
        if (give_chunks(g, at))
            return true;
        if (p->left != 0 || p->nrunning != 0)
            return false;
        mark_copied(g, p);
        return true;
    default:
        return false;
    }
}

void copy_give_out(struct engine *g)
{
    for (size_t i = 0; i < g->copy.ntables && workers_are_free(g); i++)
        while (!copy_rests(g, &g->copy.tables[i]) && workers_are_free(g) && give_work(g, i))
            continue;
}

/* ---- pausing ---- */

void copy_hold(struct engine *g, int id)
{
    enum { GRACE_MS = 5000 };
    for (size_t i = 0; i < g->copy.ntables; i++) {
        const struct table_plan *p = &g->copy.tables[i];
        for (size_t k = 0; k < p->nrunning && (id == 0 || g->world->relations.items[p->index].id == id); k++)
            atomic_store(&p->running[k].piece->progress.until_ms, clock_ms() + GRACE_MS);
    }
}

void copy_let_go(struct engine *g)
{
    for (size_t i = 0; i < g->copy.ntables && !g->paused; i++)
        for (size_t k = 0; k < g->copy.tables[i].nrunning && !copy_is_left_out(g, &g->copy.tables[i]); k++)
            atomic_store(&g->copy.tables[i].running[k].piece->progress.until_ms, 0);
}

/* ---- */

void copy_dispatch(struct engine *g)
{
    beside_dispatch(g);
    if (g->life != LIFE_COPYING || g->stopping || g->paused || engine_in_trouble(g))
        return;
    index_early(g);
    copy_give_out(g);
    if (g->copy.open == 0 && g->in_flight - g->watching == finish_in_flight(g))
        phase_fire(g, EV_COPIED);
}

void copy_begin(struct engine *g)
{
    workers_settle(g);
    copy_dispatch(g);
}
