/*
 * An opening judges what it has read: whether source and target belong together and are not in doubt of each other, which
 * tables are of the sync, and which of those cannot follow just now, and why.
 */
#include <stdio.h>
#include <string.h>

#include "jobs.h"
#include "repl/history.h"

/* ---- both databases ---- */

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

/* What was found is on the target before any row moves, and what it says then is read again. */
static bool doubt(struct conn *source, struct conn *target, enum history h, const struct slot_proof *proof,
                  struct world *w, struct err *e)
{
    int64_t first;
    if (w->state.applied_at[0] == '\0' && copied_before(w, e))
        return false;
    const char *reason = history_reason(w->mem, h, &w->state.mark, proof);
    if (!history_begin(source, target, &w->capture, &w->state, h, proof, &first, e) ||
        !target_read(target, w->capture.schema, w->mem, &w->state, e))
        return false;
    w->other_history = true;
    world_say(w,
              arena_printf(w->mem,
                           "%s: every change on record is brought over again; compare the rows afterwards: "
                           "repl verify --repair",
                           reason));
    return true;
}

bool world_history(struct conn *source, struct conn *target, bool begin, struct world *w, struct err *e)
{
    struct slot_proof proof;
    struct target_mark *mark = &w->state.mark;
    if (!capture_proof(source, &w->capture, mark->target, mark->epoch, &proof, e))
        return false;
    w->source = proof.source;
    enum history h = history_judge(mark, &proof);
    if (h == HISTORY_TARGET_WENT_BACK)
        return history_refuse(mark, &proof, e);
    if (h != HISTORY_PROVEN)
        return doubt(source, target, h, &proof, w, e);
    if (!begin && proof.epoch == mark->epoch) {
        w->capture.slot = proof.slot;
        w->capture.epoch = proof.epoch;
        return true;
    }
    if (!history_begin(source, target, &w->capture, &w->state, h, &proof, &mark->number, e))
        return false;
    mark->epoch = w->capture.epoch;
    return true;
}

/* ---- tables ---- */

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
    return err_relation(e, r);
}

static bool locked_out(const struct relation *r, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "changes of it could not be captured; its capture is to be made anew, and others hold it locked");
    err_relation(e, r);
    return err_hint(e, "end the sessions that hold it for long; repl tries again by itself");
}

/* Names may be swapped, so that each is the other's: nothing moves until both sides agree. */
static bool named_otherwise(const struct relation *r, const struct relation *target, struct err *e)
{
    err_set(e, ERR_CONFIG, "it is named %s on the source and %s on the target", r->label, target->label);
    err_relation(e, r);
    if (strcmp(r->schema, target->schema) == 0)
        return err_hint(e, "on the target: ALTER TABLE %s RENAME TO \"%s\"", target->sql, r->name);
    return err_hint(e, "on the target: ALTER TABLE %s SET SCHEMA and RENAME TO, so that it is %s",
                    target->sql, r->sql);
}

/* False where the two sides do not agree on the table; *e says why. */
static bool match_one(struct world *w, struct relation *r, const struct relations *targets, struct err *e)
{
    const struct relation *target = relations_twin(targets, r);
    if (target != NULL && strcmp(target->label, r->label) != 0)
        return named_otherwise(r, target, e);
    if (target == NULL) {
        err_set(e, ERR_CONFIG, "the target has no such table");
        err_relation(e, r);
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

static void add_news(struct world *w, const struct relation *r)
{
    w->news.items[w->news.count++] = arena_strdup(w->mem, r->label);
}

/* Keeps the tables that are captured and known on the target. One that is captured alone, since an init or an add was killed
 * while it joined, is as new as any: the first init has come to its end, or the opening had been refused. */
void world_keep_captured(struct world *w, const struct sync *sync)
{
    size_t kept = 0;
    w->news.items = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->news.items);
    w->half = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->half);
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct relation *r = &w->relations.items[i];
        if (r->id == 0) {
            if (selection_includes(&sync->selection, r->schema, r->name))
                add_news(w, r);
        } else if (known(w, r->id) != NULL) {
            w->relations.items[kept++] = *r;
        } else {
            w->half[w->nhalf++] = r->id;
            add_news(w, r);
        }
    }
    w->relations.count = kept;
}

/* Each with its description on the target, or with the reason why it has to wait. */
void world_match(struct world *w, const struct relations *targets)
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

bool world_all_there(const struct world *w, struct err *e)
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

/* One table cannot wait there while the others go on, for the sake of foreign keys: all wait with it. Nor is one copied
 * anew. */
bool world_all_agree(const struct world *w, struct err *e)
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
        err_relation(e, r);
        return err_hint(e, "compare it on both sides; then repl stop, repl cleanup, and a new sync");
    }
    return true;
}

void world_list_drifting(struct world *w)
{
    w->drifting = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->drifting);
    w->ndrifting = 0;
    for (size_t i = 0; i < w->relations.count; i++)
        if (w->drifts[i].kind != ERR_NONE)
            w->drifting[w->ndrifting++] = i;
}
