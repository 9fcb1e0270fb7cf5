/* Opening: who holds the sync, what both databases hold, and whether they belong together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "repl/log.h"

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
        if (r->snapshot == NULL || r->snapshot[0] != '\0' || !has_chunks(w, r->id))
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

static bool match_one(struct world *w, struct relation *r, const struct relations *targets, struct err *e)
{
    const struct relation *target = relations_find(targets, r->schema, r->name);
    if (target == NULL) {
        err_set(e, ERR_CONFIG, "the target has no such table");
        err_table(e, r->schema, r->name);
        return err_hint(e, "create it there as on the source, or run: repl init");
    }
    if (!catalog_compatible(r, target, e))
        return false;
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

/* Keeps the tables that are captured, each with its description on the target. Another table's changes would be
 * nobody's: what is captured must be known there. */
static bool match_tables(struct world *w, const struct relations *targets, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->relations.count; i++) {
        if (w->relations.items[i].id == 0)
            continue;
        if (known(w, w->relations.items[i].id) == NULL)
            return half_joined(&w->relations.items[i], e);
        w->relations.items[kept++] = w->relations.items[i];
    }
    w->relations.count = kept;
    w->targets = arena_alloc(w->mem, (kept + 1) * sizeof *w->targets);
    for (size_t i = 0; i < kept; i++)
        if (!match_one(w, &w->relations.items[i], targets, e))
            return false;
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
           catalog_read(source, sync->schema, w->mem, &w->relations, e) &&
           capture_assign_ids(source, &w->capture, &w->relations, w->mem, e) && pg_exec(source, "COMMIT", e);
}

static bool read_world(const struct open_task *t, struct worker *worker, struct world *w, struct err *e)
{
    struct conn *source, *target;
    struct relations targets;
    const struct sync *sync = t->task.sync;
    w->capture.schema = arena_strdup(w->mem, sync->schema);
    if (!worker_source(worker, &source, e) || !worker_target(worker, &target, e))
        return false;
    w->source_version = conn_server_version(source);
    return capture_find(source, &w->capture, e) && target_read(target, sync->schema, w->mem, &w->state, e) &&
           same_sync(sync, w, e) && catalog_identity(source, &w->source, e) &&
           target_not_behind(source, w, e) && capture_fenced(source, &w->capture, &w->fenced, e) &&
           same_history(target, sync, w, e) && read_source(source, sync, w, e) &&
           catalog_read(target, sync->schema, w->mem, &targets, e) &&
           sequences_read(target, sync->schema, w->mem, w->sequences, e) && match_tables(w, &targets, e) &&
           all_there(w, e);
}

bool job_open(struct worker *worker, struct job *job, struct err *e)
{
    struct open_task *t = (struct open_task *)job;
    struct arena *mem = arena_new();
    struct world *w = arena_alloc(mem, sizeof *w);
    w->mem = mem;
    w->sequences = arena_alloc(mem, sizeof *w->sequences);
    worker_disconnect(worker); /* what was known of these sessions may be over */
    if ((t->take_guards && !take_guards(t, worker, e)) || !read_world(t, worker, w, e)) {
        conn_close(t->source_guard);
        conn_close(t->target_guard);
        t->source_guard = t->target_guard = NULL;
        world_free(w);
        return false;
    }
    worker_disconnect(worker); /* the next sessions know the sync id */
    t->found = w;
    return true;
}
