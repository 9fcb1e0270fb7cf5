/* Opening: who holds the sync, what both databases hold, and whether they belong together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/schema.h"

/* ---- the locks, each held by a session of its own ---- */

static bool open_guard(const struct open_task *t, enum side side, const char *sync_id, struct conn **out,
                       struct err *e)
{
    char purpose[48];
    snprintf(purpose, sizeof purpose, "guard %s", t->mark);
    const struct conn_options o = {.side = side,
                                   .purpose = purpose,
                                   .origin = sync_id,
                                   .interrupt = t->task.interrupt,
                                   .wire = &t->task.wires[side]};
    if (!conn_open(side == SIDE_SOURCE ? t->task.sync->source : t->task.sync->target, &o, out, e) ||
        !lock_engine(*out, sync_id, t->mark, t->task.interrupt, e))
        return false;
    return side == SIDE_SOURCE ? listen_start(*out, t->task.sync->schema, e)
                               : !t->first || lock_await_workers(*out, sync_id, t->task.interrupt, e);
}

/* Before anything is read: what a killed engine still had under way would make it old. */
static bool take_guards(struct open_task *t, struct worker *worker, struct err *e)
{
    struct conn *source;
    struct capture c = {.schema = t->task.sync->schema};
    if (!worker_source(worker, &source, e) || !capture_find(source, &c, e))
        return false;
    return c.sync_id[0] == '\0' || /* which read_world will tell */
           (open_guard(t, SIDE_SOURCE, c.sync_id, &t->source_guard, e) &&
            open_guard(t, SIDE_TARGET, c.sync_id, &t->target_guard, e));
}

/* ---- the world ---- */

static bool is_in(int id, const int *ids, size_t n)
{
    return ids_have(&(struct ids){ids, n}, id);
}

/* Tables that were dropped on the source leave; the target first, so that what is killed in between is seen again. In
 * another history of the source tables may have other oids, and nobody knows. */
static bool leave_dropped(struct world *w, const struct sync *sync, struct conn *source, struct conn *target,
                          struct err *e)
{
    int *gone;
    size_t n, kept = 0;
    bool same = !w->other_history;
    if (!capture_dropped(source, &w->capture, w->mem, &gone, &n, e))
        return false;
    for (size_t i = 0; same && i < n; i++)
        if (!target_forget(target, sync->schema, gone[i], e) ||
            !capture_forget(source, &w->capture, gone[i], e))
            return false;
    for (size_t i = 0; i < w->state.nrelations; i++) {
        const struct target_relation *t = &w->state.relations[i];
        if (same && is_in(t->id, gone, n))
            world_say(
                w, arena_printf(
                       w->mem,
                       "%s.%s was dropped on the source, or became a partition or got one that is a foreign "
                       "table, and leaves the sync; on the target it stays",
                       t->schema, t->name));
        else
            w->state.relations[kept++] = *t;
    }
    w->state.nrelations = kept;
    return true;
}

/* Under one snapshot, so that tables and their shapes belong together. */
static bool read_source(struct conn *source, const struct sync *sync, struct world *w, struct err *e)
{
    return pg_exec(source, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
           catalog_outline(source, sync->schema, w->mem, &w->outlines[SIDE_SOURCE], e) &&
           catalog_read(source, sync->schema, w->mem, &w->relations, e) &&
           catalog_rank(source, &w->relations, w->mem, e) &&
           capture_assign_ids(source, &w->capture, &w->relations, w->mem, e) && pg_exec(source, "COMMIT", e);
}

/* Another role than the one that capture was installed by, or that one under another name: repl's own writes, on the way
 * back, would be captured. */
static bool take_role(struct conn *source, struct world *w, struct err *e)
{
    if (!w->capture.other_role || w->fenced)
        return true;
    if (!capture_take_role(source, &w->capture, &w->relations, e))
        return false;
    if (!w->capture.other_role)
        world_say(w, arena_printf(w->mem, "capture takes %s for repl's role from now on", w->capture.role));
    return true;
}

/* The old source becomes quiet, unless a cutover is about to give it back: then nothing is owed any more. */
static bool hush(const struct sync *sync, struct conn *target, const struct world *w, struct err *e)
{
    enum { LOCK_MS = 1000 }; /* its readers wait behind us no longer */
    char *sql = xasprintf("SET lock_timeout = %d", LOCK_MS);
    bool ok = !sync->back || w->fenced || (pg_exec(target, sql, e) && back_hush(target, sync->schema, e));
    free(sql);
    return ok;
}

/* They come in the order of their relations. */
static size_t first_chunk(const struct target_state *s, int id)
{
    size_t low = 0, high = s->nchunks;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->chunks[middle].relation < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What the rows of each table weighed when they were copied. Bytes of the wire, TOAST and all, which statistics of the
 * columns only guess at. */
static void take_widths(struct world *w)
{
    for (size_t i = 0; i < w->relations.count; i++) {
        struct relation *r = &w->relations.items[i];
        int64_t rows = 0, bytes = 0;
        for (size_t k = first_chunk(&w->state, r->id);
             k < w->state.nchunks && w->state.chunks[k].relation == r->id; k++) {
            rows += w->state.chunks[k].rows;
            bytes += w->state.chunks[k].bytes;
        }
        if (rows > 0)
            r->row_bytes = (double)bytes / (double)rows;
    }
}

static bool assign_targets(const struct world *w, struct relations *targets)
{
    target_assign_ids(&w->state, targets);
    return true;
}

/* Tables that were found by their names alone are known from now on. */
static bool know_targets(const struct world *w, struct conn *target, struct err *e)
{
    struct relation *found = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *found);
    size_t n = 0;
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct target_relation *t = target_relation_by_id(&w->state, w->relations.items[i].id);
        if (w->drifts[i].kind == ERR_NONE && t != NULL && t->oid != w->targets[i].oid)
            found[n++] = (struct relation){.id = t->id, .oid = w->targets[i].oid};
    }
    return target_know(target, w->capture.schema, found, n, e);
}

/* On the way back, too, it is the old source's: what stands on the new one was made for it. */
static bool read_search_path(const struct sync *sync, struct conn *source, struct conn *target,
                             struct world *w, struct err *e)
{
    char *path = NULL;
    if (!catalog_search_path(sync->back ? target : source, &path, e))
        return false;
    w->capture.search_path = arena_strdup(w->mem, path);
    free(path);
    return true;
}

static bool read_world(const struct open_task *t, struct worker *worker, struct world *w, bool *mended,
                       struct err *e)
{
    struct conn *source, *target;
    struct relations targets;
    const struct sync *sync = t->task.sync;
    w->capture.schema = arena_strdup(w->mem, sync->schema);
    if (!worker_source(worker, &source, e) || !worker_target(worker, &target, e))
        return false;
    w->source_version = conn_server_version(source);
    bool ok = capture_find(source, &w->capture, e) && read_search_path(sync, source, target, w, e) &&
              target_read(target, sync->schema, w->mem, &w->state, e) &&
              sync_is_whole(sync, &w->capture, &w->state, e) &&
              world_history(source, target, t->take_guards, w, e) &&
              fence_look(source, &w->capture, w->mem, &w->cutover, &w->lifted, e) &&
              leave_dropped(w, sync, source, target, e) && read_source(source, sync, w, e) &&
              take_role(source, w, e) &&
              catalog_outline(target, sync->schema, w->mem, &w->outlines[SIDE_TARGET], e) &&
              catalog_read(target, sync->schema, w->mem, &targets, e) && assign_targets(w, &targets) &&
              sequences_look(target, sync->schema, w->mem, w->sequences, e);
    if (ok)
        world_keep_captured(w, sync);
    w->fenced = w->cutover.closed;
    *mended = false;
    ok = ok && world_all_there(w, e) && target_drop_stages(target, sync->schema, e);
    ok = ok && (sync->back || mend_keys(w, &targets, source, target, mended, e)) &&
         (*mended || mend_leaves(w, &targets, source, target, e));
    if (ok && *mended)
        schema_forget(sync); /* it has the keys of before */
    if (!ok || *mended)
        return ok;
    world_match(w, &targets);
    take_widths(w);
    if (!know_targets(w, target, e))
        return false;
    if (!sync->back)
        return world_check_fork(worker, sync, w, e);
    w->news.count = 0; /* what stands there beside the sync is nobody's to move */
    return world_all_agree(w, e) && hush(sync, target, w, e);
}

static struct world *world_new(void)
{
    struct arena *mem = arena_new();
    struct world *w = arena_alloc(mem, sizeof *w);
    w->mem = mem;
    w->sequences = arena_alloc(mem, sizeof *w->sequences);
    return w;
}

/* What was mended is read again; what was said of it is kept. */
static bool read_until_mended(const struct open_task *t, struct worker *worker, struct world **out,
                              struct err *e)
{
    bool mended = true;
    struct world *w = world_new();
    while (mended) {
        if (!read_world(t, worker, w, &mended, e)) {
            world_free(w);
            return false;
        }
        struct world *next = mended ? world_new() : w;
        for (size_t i = 0; mended && i < w->said.count; i++)
            world_say(next, arena_strdup(next->mem, w->said.items[i]));
        if (mended)
            world_free(w);
        w = next;
    }
    world_list_drifting(w);
    *out = w;
    return true;
}

bool job_open(struct worker *worker, struct job *job, struct err *e)
{
    struct open_task *t = (struct open_task *)job;
    pg_step("reading both sides", NULL);
    worker_disconnect(worker); /* what was known of these sessions may be over */
    if ((t->take_guards && !take_guards(t, worker, e)) || !read_until_mended(t, worker, &t->found, e)) {
        conn_close(t->source_guard);
        conn_close(t->target_guard);
        t->source_guard = t->target_guard = NULL;
        return false;
    }
    worker_disconnect(worker); /* the next sessions know the sync id */
    return true;
}

bool job_survey(struct worker *worker, struct job *job, struct err *e)
{
    struct survey_task *t = (struct survey_task *)job;
    const struct world *w = t->task.world;
    struct conn *sides[2];
    pg_step("comparing the catalogs", NULL);
    uint64_t began = clock_ms();
    if (!worker_source(worker, &sides[SIDE_SOURCE], e) || !worker_target(worker, &sides[SIDE_TARGET], e))
        return false;
    if (t->in_doubt != 0 && !target_count_doubts(sides[SIDE_TARGET], t->task.sync->schema, &t->in_doubt, e))
        return false;
    for (int i = 0; i < 2; i++) {
        const char *now;
        if (!catalog_outline(sides[i], t->task.sync->schema, t->task.mem, &now, e) ||
            !catalog_marks(sides[i], t->task.mem, &t->marks[i], e))
            return false;
        t->changed = t->changed || w->unfinished || strcmp(now, w->outlines[i]) != 0;
    }
    t->took_ms = clock_ms() - began;
    return true;
}
