/*
 * Fanning out. Promise: what several sessions stage is of one snapshot, the one of the batch's own source transaction,
 * which stays open until all have read; and nothing of it is in a table that anybody reads until the batch's one
 * target transaction merges it. So a batch is as whole (I2) whoever carried its rows.
 *
 * Temporary tables belong to one session; these stages are ordinary unlogged tables in repl's schema, filled by
 * as many sessions as there are parts. They live for one batch: made before it, dropped in its transaction.
 */
#include "fan.h"

#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/log.h"
#include "streams.h"

struct part {
    const struct apply_table *table;
    const char *copy_sql;
    int64_t rows;
    uint64_t bytes;
};

struct fan {
    const struct apply *ap;
    struct part *parts;
    size_t nparts;
};

bool fan_has(const struct apply *ap, const struct apply_table *t)
{
    return ap->fan != NULL && t->nslices != 0;
}

static char *stage_of(struct arena *a, const struct apply *ap, const struct apply_table *t)
{
    return sql_qualified(a, ap->schema, arena_printf(a, "stage_%d", t->source->id));
}

static bool make_stages(struct conn *target, const struct apply *ap, struct arena *a, struct err *e)
{
    struct buf b = {0};
    for (size_t i = 0; i < ap->ntables; i++) {
        struct apply_table *t = &ap->tables[i];
        if (!fan_has(ap, t))
            continue;
        t->stage = stage_of(a, ap, t);
        const struct sql_var vars[] = {{"schema", ap->schema},
                                       {"stage", t->stage},
                                       {"names", arena_printf(a, "{stage_%d}", t->source->id)},
                                       {"columns", stage_columns(a, t)},
                                       {NULL, NULL}};
        char *sql = sql_fill(sql_target_stage_shared, vars);
        buf_puts(&b, sql);
        free(sql);
    }
    bool ok = pg_exec(target, buf_text(&b), e);
    buf_free(&b);
    return ok;
}

/* ---- parts ---- */

static bool join(struct worker *w, void *arg, struct err *e)
{
    const struct fan *f = arg;
    struct conn *source, *target;
    return worker_source(w, &source, e) && worker_target(w, &target, e) &&
           pg_exec(source, f->ap->fan->join_sql, e);
}

static bool leave(struct worker *w, void *arg, struct err *e)
{
    const struct fan *f = arg;
    struct conn *source;
    return worker_source(w, &source, e) && pg_exec(source, f->ap->fan->leave_sql, e);
}

static bool move(struct conn *source, struct conn *target, struct part *p, struct copy_progress *progress,
                 struct err *e)
{
    struct result *copied = NULL;
    bool ok = stream_open(source, PG_COPY_OUT, e) && stream_open(target, PG_COPY_IN, e) &&
              copier_run(source, target, progress, e) && stream_result(target, &copied, e) &&
              pg_end(target, e) && pg_end(source, e);
    if (ok)
        p->rows = result_affected(copied);
    result_free(copied);
    return ok;
}

/* The worker's sessions are those that it joined with: where one is lost, the statement that finds out fails, and so does
 * the whole batch. */
static bool run(struct worker *w, void *arg, size_t item, struct err *e)
{
    struct fan *f = arg;
    struct part *p = &f->parts[item];
    const struct relation *r = p->table->source;
    struct copy_progress progress = {.throttle = f->ap->progress->throttle};
    struct conn *source, *target;
    if (!worker_source(w, &source, e) || !worker_target(w, &target, e))
        return false;
    char *in =
        xasprintf("COPY %s FROM STDIN (FORMAT %s)", p->table->stage, relation_binary(r) ? "binary" : "text");
    char *out = arena_printf(worker_arena(w), "%s; %s",
                             search_path_sql(worker_arena(w), apply_read_path(f->ap)), p->copy_sql);
    bool ok = pg_send(source, out, e) && pg_send(target, in, e) && move(source, target, p, &progress, e);
    free(in);
    p->bytes = atomic_load(&progress.bytes);
    fault_point("fan.part");
    return ok || stream_too_wide(e) || err_relation(e, r);
}

static void list_parts(struct fan *f, struct arena *a)
{
    const struct apply *ap = f->ap;
    size_t n = 0;
    for (size_t i = 0; i < ap->ntables; i++)
        n += fan_has(ap, &ap->tables[i]) ? ap->tables[i].nslices : 0;
    f->parts = arena_alloc(a, (n + 1) * sizeof *f->parts);
    for (size_t i = 0; i < ap->ntables; i++)
        for (size_t k = 0; fan_has(ap, &ap->tables[i]) && k < ap->tables[i].nslices; k++)
            f->parts[f->nparts++] =
                (struct part){.table = &ap->tables[i], .copy_sql = ap->tables[i].slices[k]};
}

static void count(const struct fan *f)
{
    const struct apply *ap = f->ap;
    uint64_t bytes = 0, rows = 0;
    for (size_t i = 0; i < ap->ntables; i++)
        for (size_t k = 0; k < f->nparts; k++)
            if (f->parts[k].table == &ap->tables[i]) {
                ap->tables[i].rows += f->parts[k].rows;
                ap->tables[i].bytes += (int64_t)f->parts[k].bytes;
                rows += (uint64_t)f->parts[k].rows;
                bytes += f->parts[k].bytes;
            }
    atomic_fetch_add(&ap->progress->rows, rows);
    atomic_fetch_add(&ap->progress->bytes, bytes);
}

bool fan_stage(struct conn *target, struct apply *ap, struct arena *a, struct err *e)
{
    struct fan f = {.ap = ap};
    if (ap->fan == NULL)
        return true;
    list_parts(&f, a);
    const struct crew_work work = {join, run, leave, &f, f.nparts};
    size_t others = f.nparts - 1 < ap->fan->helpers ? f.nparts - 1 : ap->fan->helpers;
    if (!make_stages(target, ap, a, e) || !worker_share(ap->fan->worker, &work, others, e))
        return false;
    count(&f);
    fault_point("fan.staged");
    return true;
}

/* ---- the end ---- */

static char *drops(struct arena *a, const struct apply *ap)
{
    struct buf b = {0};
    for (size_t i = 0; i < ap->ntables; i++)
        if (fan_has(ap, &ap->tables[i]))
            buf_printf(&b, "%s%s", b.len == 0 ? "DROP TABLE IF EXISTS " : ", ",
                       stage_of(a, ap, &ap->tables[i]));
    return buf_take(a, &b);
}

void fan_end(struct script *s, struct arena *a, const struct apply *ap)
{
    if (ap->fan != NULL)
        script_add(s, STEP_OTHER, NULL, drops(a, ap));
}

void fan_drop(struct conn *target, const struct apply *ap)
{
    struct err e;
    struct arena *a = arena_new();
    if (ap->fan != NULL && conn_usable(target) && !pg_exec(target, drops(a, ap), &e))
        log_err(LOG_INFO, &e);
    arena_free(a);
}
