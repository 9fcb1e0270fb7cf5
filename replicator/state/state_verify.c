/* Comparisons: kept so that one that was interrupted goes on, and that cutover can ask how old the last one is. */
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/mem.h"
#include "repl/state.h"

enum { KEEP_RUNS = 10, KEEP_DIFFERENCES = 1000 };

/* ---- beginning and ending ---- */

static bool first_row(struct state *s, const char *sql, const struct param *p, int n, sqlite3_stmt **q,
                      bool *row, struct err *e)
{
    if (!db_prepare(s, sql, p, n, q, e))
        return false;
    if (db_step(s, *q, row, e))
        return true;
    sqlite3_finalize(*q);
    return false;
}

static bool find_unended(struct state *s, const char *options, int64_t *run, struct err *e)
{
    sqlite3_stmt *q;
    bool row;
    const struct param p[] = {P_TEXT(options)};
    if (!first_row(s, sql_state_verify_unended, p, 1, &q, &row, e))
        return false;
    *run = row ? db_int(q, 0, 0) : 0;
    sqlite3_finalize(q);
    return true;
}

static bool begin_new(struct state *s, const char *options, int64_t *run, struct err *e)
{
    char at[32];
    sqlite3_stmt *q;
    bool row;
    const struct param p[] = {P_TEXT(clock_iso(at, sizeof at, clock_wall())), P_TEXT(options)};
    if (!first_row(s, sql_state_verify_begin, p, 2, &q, &row, e))
        return false;
    *run = row ? db_int(q, 0, 0) : 0;
    sqlite3_finalize(q);
    return db_run(s, sql_state_verify_trim, &P_INT(KEEP_RUNS), 1, e);
}

bool state_verify_begin(struct state *s, const char *options, bool again, int64_t *run, bool *resumed,
                        struct err *e)
{
    *run = 0;
    if (!again && !find_unended(s, options, run, e))
        return false;
    *resumed = *run != 0;
    return *resumed || begin_new(s, options, run, e);
}

bool state_verify_end(struct state *s, const struct verify_report *r, const char *result, struct err *e)
{
    char at[32];
    const struct param p[] = {P_INT(r->run), P_TEXT(clock_iso(at, sizeof at, clock_wall())), P_TEXT(result),
                              P_REAL(r->seconds), P_INT(r->network)};
    return db_run(s, sql_state_verify_end, p, sizeof p / sizeof *p, e);
}

/* ---- on the way ---- */

bool state_verify_note(struct state *s, int64_t run, const char *what, int64_t count, struct err *e)
{
    const struct param p[] = {P_INT(run), P_TEXT(what), P_INT(count)};
    return db_run(s, sql_state_verify_note, p, 3, e);
}

static bool save_table(struct state *s, int64_t run, const struct verify_table *t, struct err *e)
{
    const struct param p[] = {
        P_INT(run),         P_INT(t->id),          P_TEXT(t->schema), P_TEXT(t->name),  P_TEXT(t->state),
        P_TEXT(t->reason),  P_TEXT(t->planned_to), P_INT(t->planned), P_INT(t->ranges), P_INT(t->left_out),
        P_INT(t->rows),     P_INT(t->bytes),       P_INT(t->missing), P_INT(t->extra),  P_INT(t->different),
        P_INT(t->repaired), P_INT(t->unsettled)};
    return db_run(s, sql_state_verify_table_save, p, sizeof p / sizeof *p, e);
}

bool state_verify_table(struct state *s, int64_t run, const struct verify_table *t, struct err *e)
{
    return save_table(s, run, t, e);
}

bool state_verify_planned(struct state *s, int64_t run, const struct verify_table *t,
                          const struct verify_range *added, struct err *e)
{
    if (!db_script(s, "BEGIN IMMEDIATE", e))
        return false;
    bool ok = save_table(s, run, t, e);
    if (ok && added != NULL) {
        const struct param p[] = {P_INT(run), P_INT(t->id), P_INT(added->number), P_TEXT(added->from),
                                  P_TEXT(added->to)};
        ok = db_run(s, sql_state_verify_range_add, p, sizeof p / sizeof *p, e);
    }
    return db_end(s, ok, e);
}

static bool save_keys(struct state *s, int64_t run, int relation, const struct verify_step *v, struct err *e)
{
    bool ok = true;
    for (size_t i = 0; ok && i < v->nkeys; i++) {
        const struct param p[] = {P_INT(run), P_INT(relation), P_TEXT(v->keys[i].key),
                                  P_INT(v->keys[i].repaired)};
        ok = db_run(s, sql_state_verify_key_add, p, sizeof p / sizeof *p, e);
    }
    for (size_t i = 0; ok && i < v->ndropped; i++)
        ok = db_run(s, sql_state_verify_key_drop, &P_INT(v->dropped[i]), 1, e);
    for (size_t i = 0; ok && i < v->nrepaired; i++) {
        const struct param p[] = {P_INT(run), P_INT(relation), P_TEXT(v->repaired[i])};
        ok = db_run(s, sql_state_verify_difference_repaired, p, sizeof p / sizeof *p, e);
    }
    return ok;
}

static bool save_differences(struct state *s, int64_t run, const struct verify_step *v, struct err *e)
{
    bool ok = true;
    for (size_t i = 0; ok && i < v->ndifferences; i++) {
        const struct verify_difference *d = &v->differences[i];
        const struct param p[] = {
            P_INT(run),        P_INT(d->relation),     P_TEXT(d->table),   P_TEXT(d->kind),
            P_TEXT(d->key),    P_TEXT(d->shown),       P_TEXT(d->columns), P_TEXT(d->source),
            P_TEXT(d->target), P_INT(KEEP_DIFFERENCES)};
        ok = db_run(s, sql_state_verify_difference_add, p, sizeof p / sizeof *p, e);
    }
    return ok;
}

bool state_verify_step(struct state *s, int64_t run, const struct verify_table *t,
                       const struct verify_step *v, struct err *e)
{
    const struct param range[] = {P_INT(run), P_INT(t->id), P_INT(v->range)};
    if (!db_script(s, "BEGIN IMMEDIATE", e))
        return false;
    bool ok = save_table(s, run, t, e) && save_differences(s, run, v, e) && save_keys(s, run, t->id, v, e) &&
              (v->range < 0 || db_run(s, sql_state_verify_range_done, range, 3, e));
    return db_end(s, ok, e);
}

bool state_verify_difference(struct state *s, int64_t run, const struct verify_difference *d, bool repaired,
                             struct err *e)
{
    struct verify_difference copy = *d;
    const struct verify_step one = {.range = -1, .differences = &copy, .ndifferences = 1};
    const struct param p[] = {P_INT(run), P_INT(d->relation), P_TEXT(d->key)};
    return save_differences(s, run, &one, e) &&
           (!repaired || db_run(s, sql_state_verify_difference_repaired, p, 3, e));
}

/* ---- reading ---- */

bool state_verify_ranges(struct state *s, int64_t run, int relation, struct arena *a,
                         struct verify_range **out, size_t *count, struct err *e)
{
    const struct param p[] = {P_INT(run), P_INT(relation)};
    sqlite3_stmt *q;
    bool row, ok;
    size_t cap = 0;
    *out = NULL;
    *count = 0;
    if (!db_prepare(s, sql_state_verify_ranges, p, 2, &q, e))
        return false;
    while ((ok = db_step(s, q, &row, e)) && row) {
        if (*count == cap) {
            struct verify_range *more = arena_alloc(a, (cap = cap != 0 ? cap * 2 : 64) * sizeof *more);
            if (*count != 0)
                memcpy(more, *out, *count * sizeof *more);
            *out = more;
        }
        (*out)[(*count)++] = (struct verify_range){
            .number = db_int(q, 0, 0),
            .from = arena_strdup(a, (const char *)sqlite3_column_text(q, 1)),
            .to = arena_strdup(a, (const char *)sqlite3_column_text(q, 2)),
        };
    }
    sqlite3_finalize(q);
    return ok;
}

bool state_verify_keys(struct state *s, int64_t run, int64_t behind, int64_t to, int limit, struct arena *a,
                       struct verify_key **out, size_t *count, struct err *e)
{
    const struct param p[] = {P_INT(run), P_INT(behind), P_INT(to), P_INT(limit)};
    sqlite3_stmt *q;
    bool row, ok;
    *out = arena_alloc(a, (size_t)limit * sizeof **out);
    *count = 0;
    if (!db_prepare(s, sql_state_verify_keys, p, 4, &q, e))
        return false;
    while ((ok = db_step(s, q, &row, e)) && row)
        (*out)[(*count)++] = (struct verify_key){
            .id = db_int(q, 0, 0),
            .relation = (int)db_int(q, 1, 0),
            .key = arena_strdup(a, (const char *)sqlite3_column_text(q, 2)),
            .repaired = db_int(q, 3, 0) != 0,
        };
    sqlite3_finalize(q);
    return ok;
}

bool state_verify_key_count(struct state *s, int64_t run, int relation, int64_t *count, int64_t *last,
                            struct err *e)
{
    const struct param p[] = {P_INT(run), P_INT(relation)};
    sqlite3_stmt *q;
    bool row;
    if (!first_row(s, sql_state_verify_key_count, p, 2, &q, &row, e))
        return false;
    *count = db_int(q, 0, 0);
    *last = db_int(q, 1, 0);
    sqlite3_finalize(q);
    return true;
}

bool state_verify_standing(struct state *s, double now, struct arena *a, struct verify_standing **out,
                           size_t *count, struct err *e)
{
    sqlite3_stmt *q;
    bool row, ok;
    size_t cap = 0;
    *out = NULL;
    *count = 0;
    if (!db_prepare(s, sql_state_verify_standing, &P_INT((int64_t)now), 1, &q, e))
        return false;
    while ((ok = db_step(s, q, &row, e)) && row) {
        if (*count == cap) {
            struct verify_standing *more = arena_alloc(a, (cap = cap != 0 ? cap * 2 : 64) * sizeof *more);
            if (*count != 0)
                memcpy(more, *out, *count * sizeof *more);
            *out = more;
        }
        (*out)[(*count)++] = (struct verify_standing){
            .schema = arena_strdup(a, (const char *)sqlite3_column_text(q, 0)),
            .name = arena_strdup(a, (const char *)sqlite3_column_text(q, 1)),
            .age = db_real(q, 2, -1),
            .rows = db_int(q, 3, 0),
            .unsettled = db_int(q, 4, 0),
            .incomplete = db_int(q, 5, 0) != 0,
            .differing = db_int(q, 6, 0),
        };
    }
    sqlite3_finalize(q);
    return ok;
}

/* Calls take for every row; it adds one to the report. */
static bool load_list(struct state *s, const char *sql, int64_t run,
                      void (*take)(sqlite3_stmt *q, struct verify_report *r), struct verify_report *r,
                      struct err *e)
{
    sqlite3_stmt *q;
    bool row, ok;
    if (!db_prepare(s, sql, &P_INT(run), 1, &q, e))
        return false;
    while ((ok = db_step(s, q, &row, e)) && row)
        take(q, r);
    sqlite3_finalize(q);
    return ok;
}

static void take_table(sqlite3_stmt *q, struct verify_report *r)
{
    r->tables = xrealloc(r->tables, (r->ntables + 1) * sizeof *r->tables);
    r->tables[r->ntables++] = (struct verify_table){
        .id = (int)db_int(q, 0, 0),
        .schema = db_text(q, 1),
        .name = db_text(q, 2),
        .state = db_text(q, 3),
        .reason = db_text(q, 4),
        .planned_to = db_text(q, 5),
        .planned = db_int(q, 6, 0) != 0,
        .ranges = db_int(q, 7, 0),
        .left_out = db_int(q, 8, 0),
        .rows = db_int(q, 9, 0),
        .bytes = db_int(q, 10, 0),
        .missing = db_int(q, 11, 0),
        .extra = db_int(q, 12, 0),
        .different = db_int(q, 13, 0),
        .repaired = db_int(q, 14, 0),
        .unsettled = db_int(q, 15, 0),
    };
}

static void take_difference(sqlite3_stmt *q, struct verify_report *r)
{
    r->differences = xrealloc(r->differences, (r->ndifferences + 1) * sizeof *r->differences);
    r->differences[r->ndifferences++] = (struct verify_difference){
        .relation = (int)db_int(q, 0, 0),
        .table = db_text(q, 1),
        .kind = db_text(q, 2),
        .shown = db_text(q, 3),
        .columns = db_text(q, 4),
        .source = db_text(q, 5),
        .target = db_text(q, 6),
        .repaired = db_int(q, 7, 0) != 0,
    };
}

static void take_note(sqlite3_stmt *q, struct verify_report *r)
{
    r->notes = xrealloc(r->notes, (r->nnotes + 1) * sizeof *r->notes);
    r->notes[r->nnotes++] = (struct verify_note){.what = db_text(q, 0), .count = db_int(q, 1, 0)};
}

bool state_verify_load(struct state *s, int64_t run, struct verify_report *out, bool *found, struct err *e)
{
    sqlite3_stmt *q;
    *out = (struct verify_report){0};
    if (!first_row(s, sql_state_verify_last, &P_INT(run), 1, &q, found, e))
        return false;
    if (*found) {
        out->run = db_int(q, 0, 0);
        out->began_at = db_text(q, 1);
        out->ended_at = db_text(q, 2);
        out->options = db_text(q, 3);
        out->result = db_text(q, 4);
        out->seconds = db_real(q, 5, 0);
        out->network = db_int(q, 6, 0);
    }
    sqlite3_finalize(q);
    if (!*found)
        return true;
    bool ok = load_list(s, sql_state_verify_tables, out->run, take_table, out, e) &&
              load_list(s, sql_state_verify_differences, out->run, take_difference, out, e) &&
              load_list(s, sql_state_verify_notes, out->run, take_note, out, e);
    if (!ok)
        verify_report_free(out);
    return ok;
}
