/* Opening: who holds the sync, what both databases hold, and whether they belong together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/log.h"
#include "repl/schema.h"

/* ---- the locks, each held by a session of its own ---- */

static bool open_guard(const struct open_task *t, enum side side, const char *sync_id, struct conn **out,
                       struct err *e)
{
    const struct conn_options o = {
        .side = side, .purpose = "guard", .origin = sync_id, .interrupt = t->task.interrupt};
    if (!conn_open(side == SIDE_SOURCE ? t->task.sync->source : t->task.sync->target, &o, out, e) ||
        !lock_engine(*out, sync_id, t->task.interrupt, e))
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

static bool same_sync(const struct sync *sync, const struct world *w, struct err *e)
{
    if (w->capture.sync_id[0] == '\0') {
        err_set(e, ERR_CONFIG, "capture is not installed on the source (no schema %s)", sync->schema);
        return err_hint(e, "run: repl init");
    }
    if (!w->state.exists) {
        err_set(e, ERR_CONFIG, "the target has no schema %s: it does not belong to this sync", sync->schema);
        return err_hint(e, "run: repl init");
    }
    if (strcmp(w->capture.sync_id, w->state.sync_id) != 0) {
        err_set(e, ERR_CONFIG, "source and target belong to different syncs (%s and %s)", w->capture.sync_id,
                w->state.sync_id);
        return err_hint(e, "check --source and --target; to begin anew: repl cleanup, then repl init");
    }
    return true;
}

/* The source remembers the last batch that it was told is durable on the target. */
static bool target_not_behind(struct conn *source, const struct world *w, struct err *e)
{
    int64_t applied;
    if (!capture_applied(source, &w->capture, &applied, e))
        return false;
    if (w->state.batch >= applied)
        return true;
    err_set(e, ERR_CONFIG,
            "the target has gone back in time: it stands at batch %lld, and batch %lld was committed "
            "there (was it restored, or did it fail over and lose commits?)",
            (long long)w->state.batch, (long long)applied);
    return err_hint(e, "changes are missing on the target: repl cleanup, then repl init and a new copy");
}

static bool has_chunks(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nchunks; i++)
        if (w->state.chunks[i].relation == id)
            return true;
    return false;
}

/* A chunk left rows out for the sake of deltas. Where the source failed over, to a server that may never have received
 * those, nobody brings the rows any more; after the table's first batch they are there. */
static bool copied_before(const struct world *w, struct err *e)
{
    for (size_t i = 0; i < w->state.nrelations; i++) {
        const struct target_relation *r = &w->state.relations[i];
        bool begun = has_chunks(w, r->id) || r->origin == ORIGIN_SEED;
        if (r->snapshot == NULL || r->snapshot[0] != '\0' || !begun)
            continue;
        err_set(e, ERR_CONFIG,
                "the source failed over or was restored during the first copy: rows may be missing");
        err_table(e, r->schema, r->name);
        err_hint(e, "begin anew: repl stop, repl cleanup, repl init --overwrite");
        return true;
    }
    return false;
}

/* Which history the copy and the passes belong to: in another one ids of transactions mean others. What take_standing
 * then does of positions is done here of passes, which begin anew. */
static bool same_history(struct conn *target, const struct sync *sync, struct world *w, struct err *e)
{
    struct target_state *s = &w->state;
    bool another = s->source.system_identifier[0] != '\0' && !identity_equal(&s->source, &w->source);
    if (another && copied_before(w, e))
        return false;
    if (another && !target_forget_passes(target, sync->schema, e))
        return false;
    for (size_t i = 0; another && i < s->nrelations; i++)
        s->relations[i].goal = NULL;
    return s->snapshot[0] != '\0' || target_identify(target, sync->schema, &w->source, e);
}

static const struct target_relation *known(const struct world *w, int id)
{
    for (size_t i = 0; i < w->state.nrelations; i++)
        if (w->state.relations[i].id == id)
            return &w->state.relations[i];
    return NULL;
}

static bool another_key(const struct relation *r, struct arena *a, struct err *e)
{
    const char *key = capture_key_text(a, r);
    if (r->nkey == 0) {
        err_set(e, ERR_CONFIG, "its key (%s) is gone from the source", r->key_was);
        err_hint(
            e, "give it a key again; or drop the target's too: it is then copied whole whenever it changes");
    } else {
        err_set(e, ERR_CONFIG, "its key is (%s) on the source, and another on the target", key);
        err_hint(e,
                 "on the target: drop its old key, then ALTER TABLE %s ADD PRIMARY KEY (%s); it is then "
                 "copied anew",
                 r->sql, key);
    }
    return err_table(e, r->schema, r->name);
}

static bool locked_out(const struct relation *r, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "changes of it could not be captured; its capture is to be made anew, and others hold it locked");
    err_table(e, r->schema, r->name);
    return err_hint(e, "end the sessions that hold it for long; repl tries again by itself");
}

/* False where the two sides do not agree on the table; *e says why. */
static bool match_one(struct world *w, struct relation *r, const struct relations *targets, struct err *e)
{
    const struct relation *target = relations_find(targets, r->schema, r->name);
    if (target == NULL) {
        err_set(e, ERR_CONFIG, "the target has no such table");
        err_table(e, r->schema, r->name);
        return err_hint(e, "create it there as on the source, or run: repl init");
    }
    if (r->capture_broken)
        return locked_out(r, e);
    if (mend_left(w, r, e))
        return false;
    if (!catalog_compatible(r, target, e))
        return false;
    if (r->key_was != NULL || (known(w, r->id)->afresh && !mend_same_key(w, r, target)))
        return another_key(r, w->mem, e);
    w->targets[r - w->relations.items] = *target;
    w->targets[r - w->relations.items].id = r->id;
    return true;
}

static bool half_joined(const struct relation *r, struct err *e)
{
    err_set(e, ERR_CONFIG, "the table is captured, but not yet part of the sync: an init has not finished");
    err_table(e, r->schema, r->name);
    return err_hint(e, "run: repl init");
}

static void add_news(struct world *w, const struct relation *r)
{
    w->news.items[w->news.count++] = arena_strdup(w->mem, r->label);
}

/* Keeps the tables that are captured and known on the target. One that is captured alone, since somebody was killed while it
 * joined, is as new as any where others are replicated already; behind an init that was killed nothing begins. */
static bool keep_captured(struct world *w, const struct sync *sync, struct err *e)
{
    size_t kept = 0;
    bool goes_on = target_follows(&w->state) || (sync->auto_add && w->state.nrelations != 0);
    w->news.items = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->news.items);
    w->half = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->half);
    for (size_t i = 0; i < w->relations.count; i++) {
        if (w->relations.items[i].id == 0) {
            if (selection_includes(&sync->selection, w->relations.items[i].schema,
                                   w->relations.items[i].name))
                add_news(w, &w->relations.items[i]);
        } else if (known(w, w->relations.items[i].id) != NULL) {
            w->relations.items[kept++] = w->relations.items[i];
        } else if (goes_on) {
            w->half[w->nhalf++] = w->relations.items[i].id;
            add_news(w, &w->relations.items[i]);
        } else {
            return half_joined(&w->relations.items[i], e);
        }
    }
    w->relations.count = kept;
    return true;
}

/* Each with its description on the target, or with the reason why it has to wait. */
static void match_tables(struct world *w, const struct relations *targets)
{
    const size_t kept = w->relations.count;
    w->targets = arena_alloc(w->mem, (kept + 1) * sizeof *w->targets);
    w->drifts = arena_alloc(w->mem, (kept + 1) * sizeof *w->drifts);
    for (size_t i = 0; i < kept; i++) {
        struct relation *r = &w->relations.items[i];
        if (!match_one(w, r, targets, &w->drifts[i]))
            w->targets[i] = *r; /* which nobody uses while the drift lasts */
    }
}

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
    bool same = w->state.source.system_identifier[0] == '\0' || identity_equal(&w->state.source, &w->source);
    if (!capture_dropped(source, &w->capture, w->mem, &gone, &n, e))
        return false;
    for (size_t i = 0; same && i < n; i++)
        if (!target_forget(target, sync->schema, gone[i], e) ||
            !capture_forget(source, &w->capture, gone[i], e))
            return false;
    for (size_t i = 0; i < w->state.nrelations; i++) {
        const struct target_relation *t = &w->state.relations[i];
        if (same && is_in(t->id, gone, n))
            world_say(w,
                      arena_printf(
                          w->mem,
                          "%s.%s was dropped on the source, or became a partition, and leaves the sync; on "
                          "the target it stays",
                          t->schema, t->name));
        else
            w->state.relations[kept++] = *t;
    }
    w->state.nrelations = kept;
    return true;
}

static bool all_there(const struct world *w, struct err *e)
{
    for (size_t i = 0; i < w->state.nrelations; i++) {
        const struct target_relation *t = &w->state.relations[i];
        if (relations_by_id(&w->relations, t->id) != NULL)
            continue;
        err_set(e, ERR_CONFIG, "the table is gone from the source, or its capture is");
        err_table(e, t->schema, t->name);
        return err_hint(e, "run: repl init");
    }
    return true;
}

/* Under one snapshot, so that tables and their shapes belong together. */
static bool read_source(struct conn *source, const struct sync *sync, struct world *w, struct err *e)
{
    return pg_exec(source, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
           catalog_outline(source, sync->schema, w->mem, &w->outlines[SIDE_SOURCE], e) &&
           catalog_read(source, sync->schema, w->mem, &w->relations, e) &&
           capture_assign_ids(source, &w->capture, &w->relations, w->mem, e) && pg_exec(source, "COMMIT", e);
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

/* One table cannot wait there while the others go on, for the sake of foreign keys: all wait with it. Nor is one copied
 * anew. */
static bool all_agree(const struct world *w, struct err *e)
{
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct relation *r = &w->relations.items[i];
        if (w->drifts[i].kind != ERR_NONE) {
            *e = w->drifts[i];
            return false;
        }
        if (!r->capture_broken)
            continue;
        err_set(e, ERR_CONFIG, "its capture was broken: what was changed since is not on record");
        err_table(e, r->schema, r->name);
        return err_hint(e, "compare it on both sides; then repl stop, repl cleanup, and a new sync");
    }
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
    bool ok =
        capture_find(source, &w->capture, e) && target_read(target, sync->schema, w->mem, &w->state, e) &&
        same_sync(sync, w, e) && catalog_identity(source, &w->source, e) && target_not_behind(source, w, e) &&
        capture_fenced(source, &w->capture, &w->fenced, e) && leave_dropped(w, sync, source, target, e) &&
        same_history(target, sync, w, e) && read_source(source, sync, w, e) &&
        catalog_outline(target, sync->schema, w->mem, &w->outlines[SIDE_TARGET], e) &&
        catalog_read(target, sync->schema, w->mem, &targets, e) &&
        sequences_read(target, sync->schema, w->mem, w->sequences, e) && keep_captured(w, sync, e) &&
        all_there(w, e);
    *mended = false;
    ok = ok && target_drop_stages(target, sync->schema, e);
    ok = ok && (sync->back || mend_keys(w, &targets, source, target, mended, e)) &&
         (*mended || mend_leaves(w, &targets, source, target, e));
    if (ok && *mended)
        schema_forget(sync); /* it has the keys of before */
    if (!ok || *mended)
        return ok;
    match_tables(w, &targets);
    if (!sync->back)
        return world_check_fork(worker, sync, w, e);
    w->news.count = 0; /* what stands there beside the sync is nobody's to move */
    return all_agree(w, e) && hush(sync, target, w, e);
}

static void list_drifting(struct world *w)
{
    w->drifting = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->drifting);
    w->ndrifting = 0;
    for (size_t i = 0; i < w->relations.count; i++)
        if (w->drifts[i].kind != ERR_NONE)
            w->drifting[w->ndrifting++] = i;
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
    list_drifting(w);
    *out = w;
    return true;
}

bool job_open(struct worker *worker, struct job *job, struct err *e)
{
    struct open_task *t = (struct open_task *)job;
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
    uint64_t began = clock_ms();
    if (!worker_source(worker, &sides[SIDE_SOURCE], e) || !worker_target(worker, &sides[SIDE_TARGET], e))
        return false;
    for (int i = 0; i < 2; i++) {
        const char *now;
        if (!catalog_outline(sides[i], t->task.sync->schema, t->task.mem, &now, e))
            return false;
        t->changed = t->changed || w->unfinished || strcmp(now, w->outlines[i]) != 0;
    }
    t->took_ms = clock_ms() - began;
    return true;
}
