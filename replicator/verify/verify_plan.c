/* Which ranges are compared when: cut by walking the key's index, handed out at the rate allowed. */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/hash.h"
#include "verify_run.h"
#include "verify_sql.h"

enum {
    RANGE_BYTES = 32 * 1000 * 1000,
    MIN_RANGE_BYTES = 256 * 1000,
    MIN_RANGE_ROWS = 100,
    MAX_RANGE_ROWS = 100000,
    TRIES = 8
};

/* ---- how large a range is ---- */

/* Where the source never counted its rows, the target may have: it was analyzed after the copy. */
static double row_bytes(const struct verification *v, size_t index)
{
    const struct relation *r = &v->world.relations.items[index], *t = &v->world.targets[index];
    if (r->rows_estimate <= 0 || r->bytes <= 0)
        r = t;
    return r->rows_estimate > 0 && r->bytes > 0 ? (double)r->bytes / (double)r->rows_estimate : 100;
}

/* Small enough for short statements; with a rate, small enough for it to be kept within a quarter of a second. */
static int64_t range_rows(const struct verification *v, size_t index)
{
    if (v->o->range_rows != 0)
        return v->o->range_rows;
    double bytes = RANGE_BYTES;
    if (v->o->max_rate != 0 && (double)v->o->max_rate / 4 < bytes)
        bytes = (double)v->o->max_rate / 4 > MIN_RANGE_BYTES ? (double)v->o->max_rate / 4 : MIN_RANGE_BYTES;
    double rows = bytes / row_bytes(v, index);
    return rows < MIN_RANGE_ROWS ? MIN_RANGE_ROWS : rows > MAX_RANGE_ROWS ? MAX_RANGE_ROWS : (int64_t)rows;
}

/* The same ranges whenever it goes on, and others in another run. */
static bool in_sample(const struct verification *v, int relation, int64_t number)
{
    const int64_t what[] = {v->run, relation, number};
    return v->o->sample >= 1 || (double)(hash64(what, sizeof what) % 1000000) < v->o->sample * 1e6;
}

/* ---- handing out ---- */

static bool hand_out(struct verification *v, size_t index, const struct verify_range *range, bool whole,
                     struct err *e)
{
    const struct relation *r = &v->world.relations.items[index];
    bool all = range->from == NULL && range->to == NULL;
    double bytes = (double)range_rows(v, index) * row_bytes(v, index);
    if (!verify_pace(v, e) || !verify_wait(v, v->o->jobs * 2 - 1, e))
        return false;
    struct verify_job *j = verify_job_new(v, whole ? VERIFY_WHOLE : VERIFY_RANGE, index);
    j->range = (struct verify_range){.number = range->number,
                                     .from = arena_strdup(j->mem, range->from),
                                     .to = arena_strdup(j->mem, range->to)};
    j->bytes = all || bytes > (double)r->bytes ? r->bytes : (int64_t)bytes;
    v->ticket = bucket_take(&v->bucket, (uint64_t)j->bytes, clock_us());
    verify_submit(v, j);
    return true;
}

/* ---- cutting ---- */

/* A table that somebody has locked is not waited for. */
static bool hurry(struct verification *v, struct err *e)
{
    return pg_exec(v->source, arena_printf(v->mem, "SET lock_timeout = %d", VERIFY_SOURCE_LOCK_MS), e);
}

/* A comparison may take hours: a connection that is lost is opened again. */
static bool ask_source(struct verification *v, const char *sql, struct result **out, struct err *e)
{
    uint64_t failed_ms = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        bool usable = v->source != NULL && conn_usable(v->source);
        if ((usable || (verify_connect_source(v, e) && hurry(v, e))) &&
            search_path_query(v->source, v->world.capture.search_path, sql, out, e))
            return true;
        failed_ms = failed_ms == 0 ? clock_ms() : failed_ms;
        /* Each try at a server that is silent takes as long as patience lasts. */
        if (!err_is_transient(e) || clock_ms() - failed_ms > 2 * (uint64_t)pg_patience_ms())
            return false;
        struct err stopped;
        if (!verify_rest(v, backoff_next_ms(&v->backoff), &stopped)) {
            *e = stopped;
            return false;
        }
    }
    return false;
}

/* The key that ends the next range, as a line of COPY in the arena; NULL where the rest is one range. */
static bool next_boundary(struct verification *v, size_t index, const char *from, const char **to,
                          struct err *e)
{
    const struct relation *r = &v->world.relations.items[index];
    struct result *res;
    const struct sql_var vars[] = {
        {"keys", verify_key_sql(v->mem, r)},
        {"table", verify_table_sql(v->mem, r)},
        {"range", verify_range_sql(v->mem, r, r, from, NULL)},
        {"order", verify_order_sql(v->mem, r)},
        {"rows", arena_printf(v->mem, "%lld", (long long)range_rows(v, index) - 1)},
        {NULL, NULL},
    };
    char *sql = sql_fill(sql_verify_boundary, vars);
    *to = NULL;
    bool ok = ask_source(v, sql, &res, e);
    free(sql);
    if (!ok)
        return err_relation(e, r);
    if (result_rows(res) != 0) {
        struct buf b = {0};
        for (size_t k = 0; k < r->nkey; k++) {
            buf_puts(&b, k != 0 ? "\t" : "");
            copy_field_add(&b, result_text(res, 0, (int)k));
        }
        *to = arena_strdup(v->mem, buf_text(&b));
        buf_free(&b);
    }
    result_free(res);
    /* A key that does not grow is the last one: what is behind it is one range. */
    if (*to != NULL && from != NULL && strcmp(from, *to) == 0)
        *to = NULL;
    return true;
}

static bool next_range(struct verification *v, size_t index, struct err *e)
{
    const struct relation *r = &v->world.relations.items[index];
    struct verify_table *t = &v->tables[index];
    struct verify_range range = {.number = t->ranges, .from = arena_strdup(v->mem, t->planned_to)};
    bool small = (double)r->bytes < (double)range_rows(v, index) * row_bytes(v, index) && t->ranges == 0 &&
                 r->rows_estimate > 0;
    struct err why;
    if (r->nkey != 0 && verify_has_ranges(r, &v->world.targets[index]) && !small &&
        !next_boundary(v, index, range.from, &range.to, &why))
        return verify_give_up(v, index, &why, e);
    free(t->planned_to);
    t->planned_to = range.to != NULL ? xstrdup(range.to) : NULL;
    t->planned = range.to == NULL;
    t->ranges++;
    bool chosen = r->nkey == 0 || in_sample(v, r->id, range.number);
    t->left_out += !chosen;
    if (!state_verify_planned(v->o->state, v->run, t, chosen ? &range : NULL, e))
        return false;
    return !chosen || hand_out(v, index, &range, r->nkey == 0, e);
}

/* What an earlier part of the run had cut and not compared. */
static bool old_ranges(struct verification *v, size_t index, struct err *e)
{
    struct verify_range *ranges;
    size_t n;
    bool whole = v->world.relations.items[index].nkey == 0;
    if (!state_verify_ranges(v->o->state, v->run, v->tables[index].id, v->mem, &ranges, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!hand_out(v, index, &ranges[i], whole, e))
            return false;
    return true;
}

static bool table_ranges(struct verification *v, size_t index, struct err *e)
{
    if (v->tables[index].ranges != 0 && !old_ranges(v, index, e))
        return false;
    struct arena *kept = v->mem;
    bool ok = true;
    while (ok && !v->tables[index].planned && strcmp(v->tables[index].state, "comparing") == 0) {
        v->mem = arena_new();
        ok = next_range(v, index, e);
        arena_free(v->mem);
    }
    v->mem = kept;
    return ok;
}

struct by_size {
    size_t index;
    int64_t bytes;
};

static int larger_first(const void *x, const void *y)
{
    const struct by_size *a = x, *b = y;
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

bool verify_ranges(struct verification *v, struct err *e)
{
    size_t n = v->world.relations.count;
    struct by_size *order = arena_alloc(v->mem, (n + 1) * sizeof *order);
    bool ok = hurry(v, e);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct by_size){i, v->world.relations.items[i].bytes};
    qsort(order, n, sizeof *order, larger_first);
    for (size_t i = 0; ok && i < n; i++)
        if (strcmp(v->tables[order[i].index].state, "comparing") == 0)
            ok = table_ranges(v, order[i].index, e);
    return ok && verify_wait(v, 0, e);
}
