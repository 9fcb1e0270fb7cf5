/*
 * A range of keys, or a table without key: digests first, and where they differ the rows of the buckets that do.
 * Between these steps rows move; that costs looks, never a wrong verdict: of a range the look alone says what differs.
 */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "verify_job.h"
#include "verify_rows.h"
#include "verify_sql.h"

enum { BUCKETS = 256, ROWS_AT_ONCE = 50000 };

/* Scanning a whole table for a range of it is never right, whatever the statistics say. */
static const char by_index[] = "SET LOCAL enable_seqscan = off; ";

/* ---- digests ---- */

struct digest {
    int64_t count;
    const char *sum;
};

struct digests {
    struct digest all, buckets[BUCKETS];
};

static const char *range_of(struct verify_sides *s, const struct relation *side)
{
    const struct verify_range *r = &s->job->range;
    return verify_range_sql(s->a, side, s->from, r->from, r->to);
}

static char *digest_sql(struct verify_sides *s, const struct relation *side, const char *text)
{
    const struct verify_range *r = &s->job->range;
    const struct sql_var vars[] = {
        {"hash", verify_hash_sql(s->a, s->from)},
        {"bucket", verify_bucket_sql(s->a, s->from)},
        {"table", verify_table_sql(s->a, side)},
        {"range", range_of(s, side)},
        {NULL, NULL},
    };
    char *sql = sql_fill(text, vars);
    char *kept = arena_printf(s->a, "%s%s", r->from != NULL || r->to != NULL ? by_index : "", sql);
    free(sql);
    return kept;
}

/* The last result of what was sent. */
static bool take_last(struct conn *c, struct result **out, struct err *e)
{
    enum pg_event event = PG_RESULT;
    *out = NULL;
    while (event != PG_END) {
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e)) {
            result_free(*out);
            return false;
        }
        if (event == PG_RESULT) {
            result_free(*out);
            *out = r;
        }
    }
    return *out != NULL || err_set(e, ERR_SQL, "the statements returned nothing");
}

static bool take_digest(struct verify_sides *s, struct conn *c, bool buckets, struct digests *d,
                        struct err *e)
{
    struct result *r;
    if (!take_last(c, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        struct digest *to = buckets ? &d->buckets[result_int(r, i, 0) & (BUCKETS - 1)] : &d->all;
        to->count = result_int(r, i, buckets);
        to->sum = arena_strdup(s->a, result_text(r, i, buckets + 1));
    }
    result_free(r);
    return true;
}

static bool digest_both(struct verify_sides *s, bool buckets, struct digests *source, struct digests *target,
                        struct err *e)
{
    const char *text = buckets ? sql_verify_buckets : sql_verify_digest;
    return pg_send(s->source, digest_sql(s, s->from, text), e) &&
           pg_send(s->target, digest_sql(s, s->to, text), e) &&
           take_digest(s, s->source, buckets, source, e) && take_digest(s, s->target, buckets, target, e);
}

static bool same(const struct digest *a, const struct digest *b)
{
    return a->count == b->count && strcmp(a->sum != NULL ? a->sum : "", b->sum != NULL ? b->sum : "") == 0;
}

/* ---- rows ---- */

static char *rows_sql(struct verify_sides *s, const struct relation *side, const char *buckets)
{
    const struct verify_range *r = &s->job->range;
    const char *columns = verify_columns_sql(s->a, s->from);
    const char *key = verify_key_sql(s->a, s->from);
    const struct sql_var vars[] = {
        {"columns", s->from->nkey != 0 ? arena_printf(s->a, "%s, %s", key, columns) : columns},
        {"table", verify_table_sql(s->a, side)},
        {"range", range_of(s, side)},
        {"bucket", verify_bucket_sql(s->a, s->from)},
        {"buckets", buckets},
        {NULL, NULL},
    };
    char *sql = sql_fill(sql_verify_rows, vars);
    char *kept = arena_printf(s->a, "%s%s", r->from != NULL || r->to != NULL ? by_index : "", sql);
    free(sql);
    return kept;
}

/* The next buckets that differ, as many as memory is meant for, as an array for SQL; NULL at the end. */
static char *next_buckets(struct verify_sides *s, const struct digests *a, const struct digests *b, int *at)
{
    struct buf list = {0};
    int64_t rows = 0;
    for (; *at < BUCKETS; (*at)++) {
        const struct digest *x = &a->buckets[*at], *y = &b->buckets[*at];
        if (same(x, y))
            continue;
        int64_t more = x->count > y->count ? x->count : y->count;
        if (list.len != 0 && rows + more > ROWS_AT_ONCE)
            break;
        rows += more;
        buf_printf(&list, "%s%d", list.len != 0 ? "," : "{", *at);
    }
    char *text = list.len != 0 ? arena_printf(s->a, "%s}", list.data) : NULL;
    buf_free(&list);
    return text;
}

/* Streams those buckets of both sides and calls differs for each row that the other side has not just so. */
static bool compare_buckets(struct verify_sides *s, const char *buckets,
                            void (*differs)(void *arg, const struct row *source, const struct row *target),
                            void *arg, struct err *e)
{
    struct arena *mem = arena_new();
    struct row_set source = {.mem = mem, .nkey = s->from->nkey, .keep_rows = s->job->world->show_values};
    struct row_set target = source;
    int64_t *bytes = &s->job->found.network;
    bool ok = pg_send(s->source, rows_sql(s, s->from, buckets), e) &&
              pg_send(s->target, rows_sql(s, s->to, buckets), e) &&
              copy_lines(s->source, row_set_line, &source, bytes, e) &&
              copy_lines(s->target, row_set_line, &target, bytes, e);
    if (ok)
        row_set_compare(&source, &target, differs, arg);
    row_set_free(&source);
    row_set_free(&target);
    arena_free(mem);
    return ok;
}

/* ---- a range of keys ---- */

struct suspects {
    struct arena *mem;
    struct verify_key *keys;
    size_t count, cap;
};

static void suspect(void *arg, const struct row *source, const struct row *target)
{
    struct suspects *l = arg;
    if (l->count == l->cap) {
        l->cap = l->cap != 0 ? l->cap * 2 : 256;
        l->keys = xrealloc(l->keys, l->cap * sizeof *l->keys);
    }
    const char *key = source != NULL ? source->text : target->text;
    l->keys[l->count++] = (struct verify_key){.key = arena_strdup(l->mem, key)};
}

static bool look_at(struct verify_sides *s, const struct suspects *l, struct err *e)
{
    size_t at_once = s->job->world->show_values ? VERIFY_LOOK_KEYS_SHOWN : VERIFY_LOOK_KEYS;
    for (size_t i = 0; i < l->count; i += at_once) {
        size_t n = l->count - i < at_once ? l->count - i : at_once;
        if (!verify_look(s, l->keys + i, n, e))
            return false;
    }
    return true;
}

bool verify_compare_range(struct verify_sides *s, struct err *e)
{
    struct digests *source = arena_alloc(s->a, sizeof *source), *target = arena_alloc(s->a, sizeof *target);
    if (!digest_both(s, false, source, target, e))
        return false;
    s->job->found.rows = source->all.count;
    if (same(&source->all, &target->all))
        return true;
    if (!digest_both(s, true, source, target, e))
        return false;
    bool ok = true;
    int at = 0;
    for (char *b = next_buckets(s, source, target, &at); ok && b != NULL;
         b = next_buckets(s, source, target, &at)) {
        struct suspects l = {.mem = arena_new()};
        ok = compare_buckets(s, b, suspect, &l, e) && look_at(s, &l, e);
        free(l.keys);
        arena_free(l.mem);
        fault_point("verify.buckets");
    }
    return ok;
}

/* ---- a table without key ---- */

static void count_row(void *arg, const struct row *source, const struct row *target)
{
    struct verify_sides *s = arg;
    struct verify_found *f = &s->job->found;
    static char missing[] = "missing", extra[] = "extra", empty[] = "", whole[] = "(the table has no key)";
    const char *text = source != NULL ? source->text : target->text;
    f->missing += target == NULL;
    f->extra += source == NULL;
    verify_found_difference(s->job, &(struct verify_difference){
                                        .relation = s->from->id,
                                        .table = arena_strdup(s->job->mem, s->from->label),
                                        .kind = target == NULL ? missing : extra,
                                        .key = empty,
                                        .shown = whole,
                                        .source = source != NULL ? arena_strdup(s->job->mem, text) : NULL,
                                        .target = target != NULL ? arena_strdup(s->job->mem, text) : NULL,
                                    });
}

static bool compare_moment(struct verify_sides *s, struct err *e)
{
    struct digests *source = arena_alloc(s->a, sizeof *source), *target = arena_alloc(s->a, sizeof *target);
    if (!digest_both(s, true, source, target, e))
        return false;
    int at = 0;
    bool ok = true;
    for (int i = 0; i < BUCKETS; i++)
        s->job->found.rows += source->buckets[i].count;
    for (char *b = next_buckets(s, source, target, &at); ok && b != NULL;
         b = next_buckets(s, source, target, &at))
        ok = compare_buckets(s, b, count_row, s, e);
    return ok;
}

bool verify_compare_whole(struct verify_sides *s, struct err *e)
{
    struct verify_found *f = &s->job->found;
    const char *snapshot;
    if (!verify_look_begin(s, &snapshot, e) || !verify_look_owed(s, snapshot, "VALUES (0)", &f->moving, 1, e))
        return false;
    f->stands = f->moving ? arena_strdup(s->job->mem, snapshot) : NULL;
    if (!f->moving && !compare_moment(s, e))
        return false;
    if (!verify_look_end(s, e))
        return false;
    bool differs = f->missing + f->extra != 0;
    return !differs || !s->job->repaired || !s->job->world->repair ||
           capture_owe(s->source, &s->job->world->capture, s->from, "VALUES (0)", s->a, e);
}

/* ---- the job ---- */

void verify_found_key(struct verify_job *j, const char *key, bool repaired)
{
    struct verify_found *f = &j->found;
    if (f->nkeys == f->keys_cap) {
        f->keys_cap = f->keys_cap != 0 ? f->keys_cap * 2 : 64;
        f->keys = xrealloc(f->keys, f->keys_cap * sizeof *f->keys);
    }
    f->keys[f->nkeys++] = (struct verify_key){.key = arena_strdup(j->mem, key), .repaired = repaired};
}

void verify_found_difference(struct verify_job *j, const struct verify_difference *d)
{
    enum { ENOUGH = 1000 }; /* counted are all of them */
    struct verify_found *f = &j->found;
    if (f->ndifferences >= ENOUGH)
        return;
    if (f->ndifferences == f->differences_cap) {
        f->differences_cap = f->differences_cap != 0 ? f->differences_cap * 2 : 16;
        f->differences = xrealloc(f->differences, f->differences_cap * sizeof *f->differences);
    }
    f->differences[f->ndifferences++] = *d;
}

bool verify_job_run(struct worker *w, struct job *job, struct err *e)
{
    struct verify_job *j = (struct verify_job *)job;
    struct verify_sides s = {
        .job = j,
        .a = worker_arena(w),
        .from = &j->world->relations.items[j->index],
        .to = &j->world->targets[j->index],
    };
    bool ok = worker_source(w, &s.source, e) && worker_target(w, &s.target, e);
    if (ok && j->what == VERIFY_RANGE)
        ok = verify_compare_range(&s, e);
    else if (ok && j->what == VERIFY_WHOLE)
        ok = verify_compare_whole(&s, e);
    else if (ok)
        ok = verify_look(&s, j->keys, j->nkeys, e);
    return ok || err_relation(e, s.from);
}
