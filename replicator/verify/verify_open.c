/* What verify compares: the tables of the sync that both sides have, less what the user left out; and what it cannot. */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fence.h"
#include "repl/history.h"
#include "repl/log.h"
#include "verify_run.h"
#include "verify_sql.h"

/* ---- both sides ---- */

static bool same_sync(struct verification *v, struct target_state *state, struct err *e)
{
    return target_read(v->target, v->world.schema, v->mem, state, e) &&
           sync_is_whole(v->o->sync, &v->world.capture, state, e);
}

/* Where source and target are not of one history any more, a repair begins like an engine that finds it: everything in the
 * deltas is to be brought again, and with it the keys that this repair puts there. Else the target's position, which was
 * taken in the other history, might cover them. A target that went back is in doubt from then on, and no engine refuses it. */
static bool prove_history(struct verification *v, const struct target_state *state, struct err *e)
{
    struct slot_proof proof;
    struct capture c = v->world.capture;
    int64_t first;
    if (!v->o->repair || state->applied_at[0] == '\0')
        return true;
    if (!capture_proof(v->source, &c, state->mark.target, state->mark.epoch, &proof, e))
        return false;
    enum history h = history_judge(&state->mark, &proof);
    if (h == HISTORY_PROVEN)
        return true;
    log_warn("%s: every change on record is brought over again",
             history_reason(v->mem, h, &state->mark, &proof));
    return history_begin(v->source, v->target, &c, state, h, &proof, &first, e);
}

static bool read_search_path(struct verification *v, struct err *e)
{
    char *path = NULL;
    if (!catalog_search_path(v->o->sync->back ? v->target : v->source, &path, e))
        return false;
    v->world.capture.search_path = arena_strdup(v->mem, path);
    free(path);
    return true;
}

static bool read_source(struct verification *v, struct relations *all, struct err *e)
{
    return read_search_path(v, e) &&
           pg_exec(v->source, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
           catalog_read(v->source, v->world.schema, v->mem, all, e) &&
           capture_assign_ids(v->source, &v->world.capture, all, v->mem, e) &&
           pg_exec(v->source, "COMMIT", e);
}

/* What was written to the target behind a fence is newer than the source's: a repair would undo it. */
static bool look_for_fence(struct verification *v, struct err *e)
{
    if (!capture_fenced(v->source, &v->world.capture, &v->fenced, e))
        return false;
    if (!v->fenced || !v->o->repair)
        return true;
    err_set(e, ERR_CONFIG,
            "writes to the source are switched off (cutover): what differs may be newer on the "
            "target, and a repair would undo it");
    return err_hint(e,
                    "repl verify shows what differs; repl cutover --abort lets the source take writes again");
}

/* ---- which tables ---- */

static void set_state(struct verify_table *t, const char *state, const char *reason)
{
    free(t->state);
    free(t->reason);
    t->state = xstrdup(state);
    t->reason = reason != NULL ? xstrdup(reason) : NULL;
}

/* Whether the two can be compared; else why not. */
static void match(struct verification *v, size_t i, const struct relations *targets,
                  const struct target_state *s)
{
    struct relation *r = &v->world.relations.items[i];
    struct verify_table *t = &v->tables[i];
    struct err why = {0};
    const struct relation *target = relations_twin(targets, r);
    const struct target_relation *known = target_relation_by_id(s, r->id);
    v->course[i].doubt = known != NULL ? known->doubt : 0;
    if (v->course[i].doubt > v->doubt)
        v->doubt = v->course[i].doubt;
    *t = (struct verify_table){.id = r->id, .schema = xstrdup(r->schema), .name = xstrdup(r->name)};
    set_state(t, "comparing", NULL);
    if (target == NULL)
        set_state(t, "skipped", "the target has no such table");
    else if (!catalog_compatible(r, target, &why))
        set_state(t, "skipped", why.text);
    else if (known == NULL || !known->copied)
        set_state(t, "skipped", "its first copy is not through");
    if (target != NULL)
        v->world.targets[i] = *target;
}

static bool choose(struct verification *v, struct relations *all, size_t *outside, struct err *e)
{
    const struct selection chosen = {.tables = *v->o->tables, .own_schema = v->world.schema};
    size_t kept = 0;
    *outside = 0;
    if (!selection_check(&chosen, all, e))
        return false;
    for (size_t i = 0; i < all->count; i++) {
        struct relation *r = &all->items[i];
        if (!selection_includes(&chosen, r->schema, r->name))
            continue;
        *outside += r->id == 0;
        if (r->id != 0)
            all->items[kept++] = *r;
    }
    all->count = kept;
    v->world.relations = *all;
    return true;
}

static bool read_tables(struct verification *v, size_t *outside, struct err *e)
{
    struct relations all, targets;
    struct target_state state;
    if (!read_source(v, &all, e) || !catalog_read(v->target, v->world.schema, v->mem, &targets, e) ||
        !target_read(v->target, v->world.schema, v->mem, &state, e) || !choose(v, &all, outside, e))
        return false;
    size_t n = v->world.relations.count;
    v->world.targets = arena_alloc(v->mem, (n + 1) * sizeof *v->world.targets);
    v->tables = xcalloc(n + 1, sizeof *v->tables);
    v->course = xcalloc(n + 1, sizeof *v->course);
    target_assign_ids(&state, &targets);
    for (size_t i = 0; i < n; i++)
        match(v, i, &targets, &state);
    return true;
}

/* ---- the run ---- */

static char *options_text(const struct verification *v)
{
    const struct verify_options *o = v->o;
    char *tables = o->tables->count != 0 ? strlist_csv(o->tables) : xstrdup("all tables");
    char *text = xasprintf("%s%s%s", tables, o->repair ? ", repair" : "", o->show_values ? ", values" : "");
    if (o->sample < 1) {
        char *more = xasprintf("%s, sample %g%%", text, o->sample * 100);
        free(text);
        text = more;
    }
    if (v->doubt != 0) { /* so that no run from before it goes on */
        char *more = xasprintf("%s, after doubt %lld", text, (long long)v->doubt);
        free(text);
        text = more;
    }
    free(tables);
    return text;
}

static void take_up_table(struct verification *v, struct verify_table *old)
{
    for (size_t i = 0; i < v->world.relations.count; i++) {
        struct verify_table *t = &v->tables[i];
        if (old->id != t->id || strcmp(t->state, "comparing") != 0 || strcmp(old->state, "skipped") == 0)
            continue;
        verify_table_free(t);
        *t = *old;
        *old = (struct verify_table){0};
        set_state(t, "comparing", NULL);
        return;
    }
}

/* What an earlier part of the run found, in the places of this one's tables. */
static bool take_up(struct verification *v, struct err *e)
{
    struct verify_report r;
    bool found;
    if (!state_verify_load(v->o->state, v->run, &r, &found, e))
        return false;
    for (size_t k = 0; k < r.ntables; k++)
        take_up_table(v, &r.tables[k]);
    log_info("going on with the comparison begun at %s", r.began_at);
    verify_report_free(&r);
    int64_t last;
    return state_verify_key_count(v->o->state, v->run, 0, &v->nkeys, &last, e);
}

static bool begin_run(struct verification *v, struct err *e)
{
    bool resumed, ok;
    char *options = options_text(v);
    ok = state_verify_begin(v->o->state, options, v->o->again, &v->run, &resumed, e) &&
         (!resumed || take_up(v, e));
    free(options);
    for (size_t i = 0; ok && i < v->world.relations.count; i++) {
        ok = state_verify_table(v->o->state, v->run, &v->tables[i], e);
        if (strcmp(v->tables[i].state, "comparing") != 0)
            continue;
        v->bytes_total += (int64_t)((double)v->world.relations.items[i].bytes * v->o->sample);
        v->bytes_before += v->tables[i].bytes;
    }
    v->bytes_done = v->bytes_before;
    return ok;
}

/* ---- what is not compared ---- */

static bool note(struct verification *v, const char *what, int64_t count, struct err *e)
{
    return count == 0 || state_verify_note(v->o->state, v->run, what, count, e);
}

static bool note_left_out(struct verification *v, size_t outside, struct err *e)
{
    struct result *r;
    int64_t generated = 0;
    const struct sql_var vars[] = {{"own_schema", v->world.schema}, {NULL, NULL}};
    if (!pg_query_filled(v->source, sql_verify_left_out, vars, &r, e))
        return false;
    for (size_t i = 0; i < v->world.relations.count; i++)
        generated +=
            (int64_t)(v->world.relations.items[i].ncolumns - verify_columns(&v->world.relations.items[i]));
    bool ok =
        (!v->fenced || state_verify_note(v->o->state, v->run, VERIFY_NOTE_FENCED, 0, e)) &&
        note(v, "tables that are not in the sync", (int64_t)outside, e) &&
        note(v, "generated columns", generated, e) && note(v, "materialized views", result_int(r, 0, 0), e) &&
        note(v, "foreign tables", result_int(r, 0, 1), e) && note(v, "large objects", result_int(r, 0, 2), e);
    result_free(r);
    return ok;
}

bool verify_connect_source(struct verification *v, struct err *e)
{
    const char *id = v->world.capture.sync_id;
    conn_close(v->source);
    v->source = NULL;
    /* The workers read the world: it is written before there are any. */
    return sync_connect(v->o->sync, SIDE_SOURCE, "verify", &v->source, e) &&
           (v->pool != NULL || capture_find(v->source, &v->world.capture, e)) &&
           (id[0] == '\0' || lock_verify(v->source, id, v->o->interrupt, e)) &&
           pg_exec(v->source, "SET enable_seqscan = off", e);
}

bool verify_connect_target(struct verification *v, struct err *e)
{
    conn_close(v->target);
    v->target = NULL;
    return sync_connect(v->o->sync, SIDE_TARGET, "verify", &v->target, e);
}

bool verify_open(struct verification *v, struct err *e)
{
    size_t outside;
    struct target_state state;
    v->world.schema = v->o->sync->schema;
    v->world.capture.schema = v->o->sync->schema;
    v->world.repair = v->o->repair;
    v->world.show_values = v->o->show_values;
    return verify_connect_source(v, e) && verify_connect_target(v, e) && same_sync(v, &state, e) &&
           look_for_fence(v, e) && prove_history(v, &state, e) && read_tables(v, &outside, e) &&
           begin_run(v, e) && note_left_out(v, outside, e);
}
