/*
 * The probe of the wire. Reading: each worker copies its slices of the largest tables, real pages in real formats, and
 * drops the bytes. Writing: each worker makes a table like the largest one in a transaction, copies a sample of those
 * rows into it again and again, builds an index over the key, and rolls back: the target writes pages and WAL as in a
 * load, and nothing is left. Bounded in time and bytes, since both servers have other work.
 */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#include "repl/clock.h"

enum { PROBE_MS = 2500, STALLED_MS = 10000, LOOK_MS = 5 };
enum { PIECE = 128 * 1024, SAMPLE_MAX = 8 * 1024 * 1024 };

/* What all workers together write at most, into the target and its WAL. */
static const uint64_t WRITE_MAX = 128000000;

struct probe_job {
    struct job job;
    struct probe *p;
    size_t first, step; /* its slices */
    bool keeps_sample;
    struct probe_sample *sample;
    const struct relation *like; /* whose rows the sample has */
    uint64_t begin, end;         /* microseconds */
    uint64_t bytes, most;
    double pages, pages_bytes; /* of slices that came whole, and their bytes of COPY */
    double index_bytes, index_seconds;
};

/* ---- reading ---- */

static void keep(struct probe_job *j, const char *data, size_t len)
{
    if (j->keeps_sample && j->sample->rows.len + len <= SAMPLE_MAX)
        buf_add(&j->sample->rows, data, len);
    else
        j->keeps_sample = false; /* what came so far is enough; rows must not have a hole */
}

/* *whole: the slice came to its end before the time did. */
static bool read_slice(struct conn *c, struct probe_job *j, const struct probe_slice *slice, char *piece,
                       bool *whole, struct err *e)
{
    enum pg_event event;
    struct result *r = NULL;
    size_t len = 1;
    uint64_t before = j->bytes;
    *whole = false;
    if (!pg_send(c, slice->sql, e) || !pg_next(c, &event, &r, e))
        return false;
    while (len != 0) {
        uint64_t rows;
        if (!copy_read(c, piece, PIECE, &len, &rows, e))
            return false;
        j->bytes += len;
        keep(j, piece, len);
        if (clock_us() - j->begin > PROBE_MS * 1000ULL) {
            pg_reset(c);
            return true;
        }
    }
    if (!pg_end(c, e))
        return false;
    *whole = true;
    j->pages += slice->bytes;
    j->pages_bytes += (double)(j->bytes - before);
    return true;
}

/* A slice without a row, at the end of a table or in a hole of it, is no sample; nor are rows of another table. */
static void sample_is_whole(struct probe_job *j, size_t slice)
{
    size_t from, to, next = slice + j->step;
    if (!j->keeps_sample)
        return;
    probe_cut(buf_text(&j->sample->rows), j->sample->rows.len, j->sample->binary, &from, &to);
    j->keeps_sample = to <= from && next < j->p->nslices && j->p->slices[next].table == j->p->slices[0].table;
    if (j->keeps_sample)
        buf_clear(&j->sample->rows);
}

static bool run_read(struct worker *w, struct job *job, struct err *e)
{
    struct probe_job *j = (struct probe_job *)job;
    struct conn *c;
    bool ok, whole = true;
    if (!(j->p->fork ? worker_fork(w, &c, e) : worker_source(w, &c, e)))
        return false;
    char *piece = xmalloc(PIECE);
    j->begin = clock_us();
    ok = true;
    for (size_t i = j->first; ok && whole && i < j->p->nslices; i += j->step) {
        ok = read_slice(c, j, &j->p->slices[i], piece, &whole, e);
        sample_is_whole(j, i);
    }
    j->end = clock_us();
    free(piece);
    return ok;
}

/* ---- writing ---- */

static bool is_built_in(const struct column *col)
{
    return strchr(col->base_type, '.') == NULL && strchr(col->base_type, '"') == NULL;
}

/* A table as the sample's, of built-in types alone: others may not be there yet, and pass as text. */
static void add_columns(struct buf *b, const struct relation *r)
{
    const char *comma = "";
    for (size_t i = 0; i < r->ncolumns; i++) {
        const struct column *col = &r->columns[i];
        if (col->generated)
            continue;
        buf_puts(b, comma);
        sql_ident(b, col->name);
        buf_printf(b, " %s", is_built_in(col) ? col->base_type : "text");
        comma = ", ";
    }
}

static bool make_table(struct conn *c, const struct probe_job *j, const char *table, const char *schema,
                       struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, "BEGIN;");
    if (schema != NULL)
        buf_printf(&b, "CREATE SCHEMA %s;", schema);
    buf_printf(&b, "CREATE TABLE %s (", table);
    add_columns(&b, j->like);
    buf_puts(&b, ");");
    bool ok = pg_exec(c, b.data, e);
    buf_free(&b);
    return ok;
}

static bool send_rows(struct conn *c, struct probe_job *j, struct err *e)
{
    static const char header[19] = "PGCOPY\n\377\r\n", trailer[2] = "\377\377";
    const struct probe_sample *s = j->sample;
    if (s->binary && !copy_write(c, header, sizeof header, e))
        return false;
    do {
        for (size_t at = 0; at < s->rows.len; at += PIECE) {
            size_t piece = s->rows.len - at < PIECE ? s->rows.len - at : PIECE;
            if (!copy_write(c, s->rows.data + at, piece, e))
                return false;
        }
        j->bytes += s->rows.len;
    } while (clock_us() - j->begin < PROBE_MS * 1000ULL && j->bytes + s->rows.len <= j->most);
    return (!s->binary || copy_write(c, trailer, sizeof trailer, e)) && copy_finish(c, e);
}

static bool load(struct conn *c, struct probe_job *j, const char *table, struct err *e)
{
    enum pg_event event;
    struct result *r = NULL;
    char *sql = xasprintf("COPY %s FROM STDIN (FORMAT %s)", table, j->sample->binary ? "binary" : "text");
    j->begin = clock_us();
    bool ok = pg_send(c, sql, e) && pg_next(c, &event, &r, e) && send_rows(c, j, e);
    free(sql);
    ok = ok && pg_end(c, e);
    j->end = clock_us();
    return ok;
}

/* The sample's keys repeat, so that it is not the sort of a real one; the writing of the index is. */
static bool build_index(struct conn *c, struct probe_job *j, const char *table, struct err *e)
{
    struct buf b = {0};
    char *bytes;
    buf_printf(&b, "CREATE INDEX probe ON %s (", table);
    for (size_t k = 0; k < j->like->nkey; k++) {
        buf_puts(&b, k != 0 ? ", " : "");
        sql_ident(&b, relation_key(j->like, k)->name);
    }
    buf_puts(&b, ")");
    uint64_t begin = clock_us();
    bool ok = pg_exec(c, b.data, e);
    uint64_t end = clock_us();
    buf_clear(&b);
    buf_puts(&b, "SELECT pg_catalog.pg_indexes_size(");
    sql_literal(&b, table);
    buf_puts(&b, "::pg_catalog.regclass)");
    if (ok && pg_value(c, b.data, 0, NULL, &bytes, e)) {
        j->index_bytes = strtod(bytes, NULL);
        j->index_seconds = (double)(end - begin) / 1e6;
        free(bytes);
    }
    buf_free(&b);
    return ok;
}

static bool run_write(struct worker *w, struct job *job, struct err *e)
{
    struct probe_job *j = (struct probe_job *)job;
    struct conn *c;
    struct buf schema = {0}, table = {0};
    struct err ignored; /* a key that has no order has no index here */
    if (!worker_target(w, &c, e))
        return false;
    char *name = xasprintf("repl_probe_%d", conn_backend_pid(c));
    sql_ident(&schema, j->p->make_schema ? name : j->p->s->schema);
    buf_printf(&table, "%s.", schema.data);
    sql_ident(&table, name);
    free(name);
    bool ok =
        make_table(c, j, table.data, j->p->make_schema ? schema.data : NULL, e) && load(c, j, table.data, e);
    if (ok && j->like->nkey != 0 && !build_index(c, j, table.data, &ignored))
        j->index_seconds = 0;
    pg_reset(c); /* rolls back */
    buf_free(&schema);
    buf_free(&table);
    return ok;
}

/* ---- both ---- */

static void nobody_waits(void *arg)
{
    (void)arg;
}

/* One job a worker, all at once; false with the first error. */
static bool run_all(struct pool *pool, struct probe_job *jobs, int n,
                    bool (*fn)(struct worker *, struct job *, struct err *), struct err *e)
{
    uint64_t deadline = clock_ms() + PROBE_MS + STALLED_MS;
    bool ok = true, stalled = false;
    for (int i = 0; i < n; i++) {
        jobs[i].job.run = fn;
        pool_submit(pool, &jobs[i].job);
    }
    for (int left = n; left > 0;) {
        const struct job *done = pool_take(pool);
        if (done == NULL) {
            stalled = stalled || clock_ms() > deadline;
            if (stalled) /* no byte moves: the end comes by the interrupt */
                interrupt_raise(pool_interrupt(pool), INTERRUPT_NOW);
            clock_sleep_ms(LOOK_MS);
            continue;
        }
        left--;
        if (!done->ok && ok) {
            *e = done->err;
            ok = false;
        }
    }
    return stalled ? err_set(e, ERR_NOT_YET, "no end within %d s", (PROBE_MS + STALLED_MS) / 1000) : ok;
}

/* Bytes a second of all together, from the first that began to the last that ended. */
static double rate_of(const struct probe_job *jobs, int n, double bytes)
{
    uint64_t begin = UINT64_MAX, end = 0;
    for (int i = 0; i < n; i++) {
        if (jobs[i].bytes == 0)
            continue;
        begin = jobs[i].begin < begin ? jobs[i].begin : begin;
        end = jobs[i].end > end ? jobs[i].end : end;
    }
    return end > begin ? bytes / ((double)(end - begin) / 1e6) : -1;
}

static void sum_up_reading(struct probe *p, const struct probe_job *jobs, int n)
{
    double bytes = 0, pages = 0, pages_bytes = 0;
    for (int i = 0; i < n; i++) {
        bytes += (double)jobs[i].bytes;
        pages += jobs[i].pages;
        pages_bytes += jobs[i].pages_bytes;
    }
    p->source_rate = rate_of(jobs, n, bytes);
    p->stretch = pages > 0 && pages_bytes > 0 ? pages_bytes / pages : 1;
}

static void sum_up_writing(struct probe *p, const struct probe_job *jobs, int n)
{
    double bytes = 0, index = 0;
    for (int i = 0; i < n; i++) {
        bytes += (double)jobs[i].bytes;
        if (jobs[i].index_seconds > 0)
            index += jobs[i].index_bytes / jobs[i].index_seconds;
    }
    p->target_rate = rate_of(jobs, n, bytes);
    p->index_rate = index > 0 ? index : -1;
}

static bool measure(struct probe *p, struct pool *pool, struct probe_sample *sample, struct err *e)
{
    int n = p->s->jobs;
    struct probe_job *jobs = xcalloc((size_t)n, sizeof *jobs);
    for (int i = 0; i < n; i++)
        jobs[i] = (struct probe_job){
            .p = p, .first = (size_t)i, .step = (size_t)n, .keeps_sample = i == 0, .sample = sample};
    bool ok = run_all(pool, jobs, n, run_read, e);
    if (ok)
        sum_up_reading(p, jobs, n);
    if (ok && p->may_write && probe_sample_cut(sample)) {
        for (int i = 0; i < n; i++)
            jobs[i] = (struct probe_job){
                .p = p, .sample = sample, .like = p->slices[0].table, .most = WRITE_MAX / (uint64_t)n};
        ok = run_all(pool, jobs, n, run_write, e);
        if (ok)
            sum_up_writing(p, jobs, n);
    }
    free(jobs);
    return ok;
}

bool probe_run(struct probe *p, struct err *e)
{
    const struct pool_options o = {
        .workers = p->s->jobs,
        .source_spec = p->s->source,
        .target_spec = p->s->target,
        .fork_spec = p->fork ? sync_fork(p->s) : NULL,
        .source = {.side = SIDE_SOURCE,
                   .purpose = "check",
                   .search_path = p->search_path,
                   .lock_timeout_ms = 1000},
        .fork = {.side = SIDE_FORK,
                 .purpose = "check",
                 .search_path = p->search_path,
                 .read_only = true,
                 .lock_timeout_ms = 1000},
        .target = {.side = SIDE_TARGET, .purpose = "check", .lock_timeout_ms = 1000},
        .wake = nobody_waits,
    };
    p->source_rate = p->target_rate = p->index_rate = -1;
    p->stretch = 1;
    if (p->nslices == 0)
        return true;
    struct probe_sample sample = {.binary = relation_binary(p->slices[0].table)};
    struct pool *pool = pool_start(&o);
    bool ok = measure(p, pool, &sample, e);
    pool_free(pool);
    buf_free(&sample.rows);
    return ok;
}
