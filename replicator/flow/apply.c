/*
 * One batch. Promise (I2, I5, I6): the target goes from one source snapshot to a later one in one commit, rows and
 * position together, or stays where it was. The order:
 *
 *   large tables first: read and staged by several workers, see fan.c
 *   source: the copies, then COMMIT, then a logged write that makes durable all that the snapshot saw
 *   target: BEGIN, the stages filled, truncations, merges, sequences, the position
 *   target: COMMIT, only when the source's write is confirmed
 *
 * Each side gets all its statements in one message, so that a batch of any number of tables costs few round trips. Where a
 * table failed, the batch may be tried in turn: a table a message, behind a savepoint, and what fails once more behind the
 * others, whose rows it may want to see (a check whose function reads another table).
 */
#include <stdlib.h>
#include <string.h>

#include "fan.h"
#include "position.h"
#include "repl/embedded.h"
#include "repl/fault.h"
#include "small.h"
#include "stages.h"
#include "streams.h"

const char *apply_read_path(const struct apply *ap)
{
    for (size_t i = 0; i < ap->ntables; i++)
        if (relation_names_objects(ap->tables[i].source))
            return NULL;
    return ap->search_path;
}

static char *source_script(const struct apply *ap, struct arena *a)
{
    struct buf b = {0};
    for (size_t i = 0; i < ap->ntables; i++) {
        if (fan_has(ap, &ap->tables[i]))
            continue;
        if (b.len == 0)
            buf_printf(&b, "%s;\n", search_path_sql(a, apply_read_path(ap)));
        buf_puts(&b, ap->tables[i].copy_sql);
    }
    buf_puts(&b, ap->source_end_sql);
    return b.data;
}

static void add_sequences(struct script *s, const struct apply *ap, struct arena *a)
{
    for (size_t i = 0; i < ap->nsequences; i++)
        script_add(s, STEP_OTHER, NULL, sequence_set_sql(a, &ap->sequences[i]));
}

static void add_merge(struct script *s, struct arena *a, struct apply_table *t)
{
    if (t->values != NULL && t->rows == 0)
        return; /* a TRUNCATE alone */
    if (t->values != NULL)
        small_add(s, a, t);
    merge_add(s, a, t);
}

static bool inserts_wait(const struct apply *ap)
{
    for (size_t i = 0; i < ap->ntables; i++)
        if (ap->tables[i].counted)
            return true;
    return false;
}

/* Names were swapped on the target, perhaps: then nothing of this stays. */
static void add_names(struct script *s, const struct apply *ap, struct arena *a)
{
    static const struct sql_var vars[] = {{"names", "$1"}, {"oids", "$2"}, {NULL, NULL}};
    struct buf params = {0};
    buf_puts(&params, "ARRAY[");
    for (size_t i = 0; i < ap->ntables; i++) {
        buf_puts(&params, i != 0 ? "," : "");
        sql_literal(&params, ap->tables[i].target->sql);
    }
    buf_puts(&params, "]::text[], '{");
    for (size_t i = 0; i < ap->ntables; i++)
        buf_printf(&params, "%s%u", i != 0 ? "," : "", ap->tables[i].target->oid);
    buf_puts(&params, "}'");
    const struct kept k = pg_kept(
        a, arena_printf(a, "(text[], oid[]) AS %s", sql_filled(a, sql_target_names, vars)), params.data);
    script_add_kept(s, STEP_NAMES, NULL, &k);
    buf_free(&params);
}

/* Rows are written under the application's search_path, for what its checks, domains, generated columns and indexes call;
 * all else under repl's own. */
static void add_path(struct script *s, const struct apply *ap, struct arena *a, bool of_application)
{
    if (ap->search_path == NULL)
        return;
    script_add(s, STEP_OTHER, NULL, search_path_sql(a, of_application ? ap->search_path : NULL));
    s->search_path = ap->search_path;
}

/* What comes behind the merges of all tables. Constraints that are deferred are checked at the commit, so the application's
 * search_path is the last. */
static void add_end(struct script *s, const struct apply *ap, struct arena *a)
{
    add_path(s, ap, a, false);
    add_names(s, ap, a);
    fan_end(s, a, ap);
    add_sequences(s, ap, a);
    if (ap->position.definition != NULL)
        script_add_kept(s, STEP_POSITION, NULL, &ap->position);
    else
        script_add(s, STEP_POSITION, NULL, ap->position.execute);
    s->kept[s->nkept++] = position_written_definition(a, ap->schema, ap->step_of); /* for end() */
    add_path(s, ap, a, true);
}

/* BEGIN, and the copies. Returns the number of steps up to the last copy, 0 where there is none: their results are taken
 * while the stages are filled. */
static size_t begin_script(struct script *s, const struct apply *ap, struct arena *a)
{
    script_add(s, STEP_OTHER, NULL, "BEGIN");
    if (ap->begin_sql != NULL)
        script_add(s, STEP_OTHER, NULL, ap->begin_sql);
    size_t copied = 0;
    for (size_t i = 0; i < ap->ntables; i++) {
        struct apply_table *t = &ap->tables[i];
        if (fan_has(ap, t) || t->values != NULL)
            continue;
        copied++;
        script_add(s, STEP_OTHER, t,
                   arena_printf(a, "COPY %s FROM STDIN (FORMAT %s)", t->stage,
                                relation_binary(t->source) ? "binary" : "text"));
    }
    return copied != 0 ? s->nsteps : 0;
}

/* The same, and all that follows. */
static size_t target_script(struct script *s, struct apply *ap, struct arena *a)
{
    size_t copies = begin_script(s, ap, a);
    add_path(s, ap, a, true);
    truncate_add(s, a, ap->tables, ap->ntables);
    for (size_t i = 0; i < ap->ntables; i++)
        add_merge(s, a, &ap->tables[i]);
    if (!inserts_wait(ap))
        add_end(s, ap, a);
    return copies;
}

/* Each table's rows go from the source's stream to the target's, in the order of the list on both. */
static bool fill_stages(struct conn *source, struct conn *target, struct apply *ap, struct err *e)
{
    for (size_t i = 0; i < ap->ntables; i++) {
        const struct relation *r = ap->tables[i].source;
        if (fan_has(ap, &ap->tables[i]))
            continue;
        uint64_t rows = atomic_load(&ap->progress->rows), bytes = atomic_load(&ap->progress->bytes);
        struct result *copied;
        if (!stream_open(source, PG_COPY_OUT, e) || !stream_open(target, PG_COPY_IN, e) ||
            !copier_run(source, target, ap->progress, e) || !stream_result(target, &copied, e))
            return stream_too_wide(e) || err_relation(e, r);
        ap->tables[i].rows = result_affected(copied);
        ap->tables[i].bytes = (int64_t)(atomic_load(&ap->progress->bytes) - bytes);
        /* Rows of binary streams are counted by the message; what the server counted is exact. */
        atomic_store(&ap->progress->rows, rows + (uint64_t)ap->tables[i].rows);
        result_free(copied);
    }
    return true;
}

static void count(const struct script_step *step, int64_t rows)
{
    if (step->kind == STEP_DELETE)
        step->table->deleted += rows;
    else if (step->kind == STEP_UPSERT)
        step->table->upserted += rows;
}

static bool position_taken(const struct result *r, struct err *e)
{
    if (result_affected(r) == 1)
        return true;
    err_set(e, ERR_CONFLICT,
            "the target's position was moved by somebody else: another engine works on this sync");
    return err_hint(e, "stop the other engine; `repl status` shows whether one runs here");
}

static bool names_hold(const struct result *r, struct err *e)
{
    if (result_affected(r) == 1)
        return true;
    err_set(e, ERR_CONFLICT, "tables of the target were renamed or made again since the catalogs were read");
    return err_hint(e, "nothing was written; both sides are read again");
}

/* The results of the merges, one a step. */
static bool take_merges(struct conn *target, const struct script *s, size_t first, struct err *e)
{
    for (size_t i = first; i < s->nsteps; i++) {
        const struct script_step *step = &s->steps[i];
        struct result *r;
        if (!stream_result(target, &r, e)) {
            if (step->table != NULL)
                err_relation(e, step->table->source);
            return search_path_hint(s->search_path, e);
        }
        count(step, result_affected(r));
        bool ok = (step->kind != STEP_POSITION || position_taken(r, e)) &&
                  (step->kind != STEP_NAMES || names_hold(r, e));
        result_free(r);
        if (!ok)
            return false;
    }
    return pg_end(target, e);
}

/* The inserts of the tables of which the merges so far do not account for every row, and the end: one message more, which
 * costs a large batch less than to look for each of its rows once more. */
static bool insert_missing(struct conn *target, const struct apply *ap, struct arena *a, struct err *e)
{
    struct script s = {.mem = a};
    if (!inserts_wait(ap))
        return true;
    for (size_t i = 0; i < ap->ntables; i++) {
        struct apply_table *t = &ap->tables[i];
        if (t->counted && t->upserted + t->deleted < t->rows)
            merge_add_missing(&s, a, t);
    }
    add_end(&s, ap, a);
    bool ok = pg_keep(target, s.kept, s.nkept, e) && pg_send(target, s.sql.data, e) &&
              take_merges(target, &s, 0, e);
    script_free(&s);
    return ok;
}

/* The target merges while the source ends its transaction; what it merges is from the first step on to be taken. */
static bool end(struct conn *source, struct conn *target, struct apply *ap, const struct script *s,
                size_t first, struct err *e)
{
    fault_point("apply.staged");
    if (!stream_end_written(source, &ap->written, e))
        return false;
    fault_point("apply.durable");
    if (!take_merges(target, s, first, e) || !insert_missing(target, ap, s->mem, e))
        return false;
    fault_point("apply.before_commit");
    if (!pg_exec(target, position_commit_sql(s->mem, ap->schema, ap->step_of, &ap->written), e))
        return false;
    fault_point("apply.after_commit");
    return true;
}

/* The same small tables come again and again: what their merges are is parsed and planned once a session. Of the others
 * each statement reads many rows. */
static void choose_merges(struct apply *ap, bool small)
{
    for (size_t i = 0; i < ap->ntables; i++) {
        struct apply_table *t = &ap->tables[i];
        t->kept = small || (ap->ntables <= STAGES_KEPT && !fan_has(ap, t) && t->source->nkey != 0 &&
                            merge_is_small(t));
        t->counted = !t->kept && merge_can_count(t);
    }
}

/* The target's message goes out when the rows are here. */
static bool carry_values(struct conn *source, struct conn *target, struct apply *ap, struct script *s,
                         struct err *e)
{
    if (!small_read(source, ap, s->mem, e))
        return false;
    target_script(s, ap, s->mem);
    return pg_keep(target, s->kept, s->nkept, e) && pg_send(target, s->sql.data, e) &&
           end(source, target, ap, s, 0, e);
}

/* The messages go out to both, and the rows from the one to the other. */
static bool carry_streams(struct conn *source, struct conn *target, struct apply *ap, struct script *s,
                          struct err *e)
{
    char *out = source_script(ap, s->mem);
    size_t copies = target_script(s, ap, s->mem);
    bool ok = pg_keep(target, s->kept, s->nkept, e) && pg_send(source, out, e) &&
              pg_send(target, s->sql.data, e) && fill_stages(source, target, ap, e) &&
              end(source, target, ap, s, copies, e);
    free(out);
    return ok;
}

/* ---- table by table ---- */

static bool send_script(struct conn *target, const struct script *s, struct err *e)
{
    return pg_keep(target, s->kept, s->nkept, e) && pg_send(target, s->sql.data, e) &&
           take_merges(target, s, 0, e);
}

/* One table's merge, or nothing of it: then the transaction goes on behind the savepoint. */
static bool merge_one(struct conn *target, struct apply_table *t, const char *search_path, struct arena *a,
                      bool *merged, struct err *e)
{
    struct script s = {.mem = a, .search_path = search_path};
    struct err failed;
    const int64_t upserted = t->upserted, deleted = t->deleted;
    script_add(&s, STEP_OTHER, NULL, "SAVEPOINT repl_merge");
    add_merge(&s, a, t);
    script_add(&s, STEP_OTHER, NULL, "RELEASE SAVEPOINT repl_merge");
    *merged = send_script(target, &s, e);
    script_free(&s);
    if (*merged)
        return true;
    t->upserted = upserted;
    t->deleted = deleted;
    if (e->kind != ERR_SQL || err_is_transient(e))
        return false;
    return pg_exec(target, "ROLLBACK TO SAVEPOINT repl_merge", &failed) || (*e = failed, false);
}

/* The tables whose merge failed come again behind the others, as long as that helps. *e is of the first that stays behind. */
static bool merge_in_turn(struct conn *target, struct apply *ap, struct arena *a, struct err *e)
{
    struct apply_table **waiting = arena_alloc(a, (ap->ntables + 1) * sizeof *waiting);
    size_t n = ap->ntables;
    for (size_t i = 0; i < n; i++)
        waiting[i] = &ap->tables[i];
    while (n != 0) {
        size_t left = 0;
        struct err first;
        for (size_t i = 0; i < n; i++) {
            struct err why;
            bool merged;
            if (!merge_one(target, waiting[i], ap->search_path, a, &merged, &why)) {
                *e = why;
                return false;
            }
            if (merged)
                continue;
            if (left == 0)
                first = why;
            waiting[left++] = waiting[i];
        }
        if (left == n) {
            *e = first;
            return false;
        }
        n = left;
    }
    return true;
}

static bool carry_in_turn(struct conn *source, struct conn *target, struct apply *ap, struct arena *a,
                          struct err *e)
{
    struct script begins = {.mem = a}, truncates = {.mem = a}, ends = {.mem = a};
    char *out = source_script(ap, a);
    for (size_t i = 0; i < ap->ntables; i++)
        ap->tables[i].kept = ap->tables[i].counted = false;
    size_t copies = begin_script(&begins, ap, a);
    add_path(&truncates, ap, a, true);
    truncate_add(&truncates, a, ap->tables, ap->ntables);
    add_end(&ends, ap, a);
    bool ok = pg_send(source, out, e) && pg_send(target, begins.sql.data, e) &&
              fill_stages(source, target, ap, e) && take_merges(target, &begins, copies, e) &&
              stream_end_written(source, &ap->written, e) &&
              (truncates.nsteps == 0 || send_script(target, &truncates, e)) &&
              merge_in_turn(target, ap, a, e) && send_script(target, &ends, e) &&
              pg_exec(target, position_commit_sql(a, ap->schema, ap->step_of, &ap->written), e);
    free(out);
    script_free(&begins);
    script_free(&truncates);
    script_free(&ends);
    return ok;
}

/* Every stage that is not filled by others is there. */
static bool carry(struct conn *source, struct conn *target, struct apply *ap, struct arena *arena,
                  struct err *e)
{
    struct script s = {.mem = arena};
    if (ap->in_turn)
        return carry_in_turn(source, target, ap, arena, e);
    bool small = small_is(ap);
    choose_merges(ap, small);
    bool ok = small ? carry_values(source, target, ap, &s, e) : carry_streams(source, target, ap, &s, e);
    script_free(&s);
    return ok;
}

bool apply_batch(struct conn *source, struct conn *target, struct apply *ap, struct arena *arena,
                 struct err *e)
{
    const int64_t bytes = (int64_t)atomic_load(&ap->progress->bytes);
    bool ok = stages_make(target, ap, arena, e) && fan_stage(target, ap, arena, e) &&
              carry(source, target, ap, arena, e);
    ap->bytes = (int64_t)atomic_load(&ap->progress->bytes) - bytes;
    if (ok) {
        ok = stages_settle(ap->stages, target, e);
    } else {
        pg_reset(source);
        pg_reset(target);
        stages_forget(ap->stages);
        fan_drop(target, ap);
    }
    return ok;
}
