/* What status shows, and what the state file keeps of it: rates, lag, how long the copy still takes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "drift.h"
#include "held.h"
#include "repl/clock.h"
#include "repl/log.h"
#include "repl/version.h"
#include "rounds.h"
#include "state_watch.h"

static char *copy_text(const char *s)
{
    return s != NULL && *s != '\0' ? xstrdup(s) : NULL;
}

/* ---- tables ---- */

static const char *table_phase(const struct engine *g, const struct table_plan *p, int id)
{
    if (drift_of(g, id) != NULL)
        return drift_refused(g, id) ? "failed" : "drifted";
    if (drift_holds(g, id))
        return "paused";
    if (p->state == TABLE_WAITING)
        return "planned";
    if (p->state != TABLE_COPIED)
        return "copying";
    if (g->life == LIFE_COPYING || g->life == LIFE_INDEXING)
        return "copied";
    return standing_apart(&g->standing, id) || catchup_has(g, id) ? "catching_up" : "following";
}

/* What a byte of the table is on the wire: as the chunks that are there tell; before the first of them, as wide as the
 * rows under way are, and as many as statistics say; without those, the same. */
static double wire_per_byte(const struct table_plan *p, const struct relation *r)
{
    double rows = 0, bytes = 0;
    if (p->bytes_done > 0 && p->wire_bytes > 0)
        return (double)p->wire_bytes / (double)p->bytes_done;
    for (size_t i = 0; i < p->nrunning; i++) {
        rows += (double)atomic_load(&p->running[i].piece->progress.rows);
        bytes += (double)atomic_load(&p->running[i].piece->progress.bytes);
    }
    bool known = rows > 0 && r->rows_estimate > 0;
    return known ? bytes / rows * (double)r->rows_estimate / (double)p->planned_bytes : 1;
}

/* Bytes of the source's table that are on the target: by chunks, and by what those under way have moved. */
static int64_t table_bytes_done(const struct table_plan *p, const struct relation *r)
{
    if (p->state == TABLE_COPIED)
        return p->bytes;
    if (p->planned_bytes == 0)
        return 0;
    double done = (double)p->bytes_done, wire = wire_per_byte(p, r);
    for (size_t i = 0; i < p->nrunning; i++) {
        double share = (double)p->running[i].bytes;
        double moved = (double)atomic_load(&p->running[i].piece->progress.bytes) / wire;
        done += moved < share ? moved : share;
    }
    return (int64_t)((double)p->bytes * done / (double)p->planned_bytes);
}

static int64_t table_rows_done(const struct table_plan *p)
{
    int64_t rows = p->rows;
    for (size_t i = 0; i < p->nrunning; i++)
        rows += (int64_t)atomic_load(&p->running[i].piece->progress.rows);
    return rows;
}

static int64_t table_owed(const struct engine *g, int id)
{
    if (g->owed_rows == 0 && !drift_holds(g, id))
        return 0;
    for (size_t i = 0; i < g->behind.count; i++)
        if (g->behind.items[i].id == id)
            return g->behind.items[i].rows;
    return g->owed_rows == 0 ? -1 : 0;
}

static void fill_tables(struct engine *g, struct status *out)
{
    const struct world *w = g->world;
    out->tables = xcalloc(w->relations.count + 1, sizeof *out->tables);
    out->ntables = g->copy.ntables;
    for (size_t i = 0; i < g->copy.ntables; i++) {
        const struct table_plan *p = &g->copy.tables[i];
        const struct relation *r = &w->relations.items[p->index];
        struct status_table *t = &out->tables[p->index];
        t->id = r->id;
        t->schema = xstrdup(r->schema);
        t->name = xstrdup(r->name);
        t->phase = xstrdup(table_phase(g, p, r->id));
        t->rows_copied = table_rows_done(p);
        t->bytes_total = p->bytes;
        t->bytes_copied = table_bytes_done(p, r);
        t->rate_bytes_per_second = p->meter != NULL ? eta_rate(p->meter) : -1;
        t->eta_seconds =
            p->meter != NULL ? eta_seconds(p->meter, (double)(t->bytes_total - t->bytes_copied)) : -1;
        t->owed_rows = table_owed(g, r->id);
        const struct err *why = drift_of(g, r->id);
        if (why != NULL)
            t->error = xstrdup(why->text);
        out->copy.bytes_done += t->bytes_copied;
        out->copy.bytes_total += t->bytes_total;
        out->copy.rows_done += t->rows_copied;
    }
}

static void fill_table_error(const struct engine *g, struct status *out)
{
    for (size_t i = 0; i < out->ntables && g->life == LIFE_WAITING; i++) {
        struct status_table *t = &out->tables[i];
        if (t->id != g->trouble_err.relation)
            continue;
        free(t->error);
        t->error = xstrdup(g->trouble_err.text);
        if (g->failed) { /* else it goes on by itself */
            free(t->phase);
            t->phase = xstrdup("failed");
        }
    }
}

/* ---- the whole ---- */

static double lag_seconds(const struct engine *g)
{
    if (g->looked_ms == 0 ||
        (g->life != LIFE_FOLLOWING && g->life != LIFE_CATCHING_UP && g->life != LIFE_WAITING))
        return -1;
    bool current =
        !g->looking && !g->look_wanted && !g->paused && g->life == LIFE_FOLLOWING && g->owed_rows == 0;
    return current ? 0 : (double)(clock_ms() - g->looked_ms) / 1000;
}

/* Whether there is a way back, and so which command goes on, is what the state file knows. */
static char *next_behind_fence(const struct engine *g)
{
    struct err e;
    char *way = NULL;
    if (!state_get(g->o->state, "way", &way, &e))
        log_err(LOG_WARN, &e);
    bool turns = way != NULL;
    free(way);
    return fence_next(g->cutover.known ? cutover_state_name(g->cutover.state) : NULL, g->cutover.since,
                      g->o->sync->back, turns || g->o->sync->back);
}

static const char *next_to_type(const struct engine *g, enum phase p)
{
    if (g->failed || drift_any(g) != NULL)
        return "mend what the error says; the engine goes on by itself, at once with: repl kick";
    if (p == PHASE_PAUSED)
        return "repl resume";
    if (held_any(g))
        return "wait, or end the transactions that hold tables locked: repl goes on by itself";
    if (p == PHASE_FOLLOWING && g->in_doubt != 0)
        return "repl verify --repair: until both sides were compared the target may hold rows that the "
               "source "
               "does not have";
    if (p == PHASE_FOLLOWING && g->o->sync->back)
        return "the application's changes come back; to switch back: repl cutover --back (to stay: repl "
               "stop, repl "
               "cleanup)";
    if (p == PHASE_FOLLOWING)
        return "the target follows; when you are ready to switch: repl cutover --dry-run, then repl cutover";
    return "wait: repl status --wait following";
}

static void fill_engine(const struct engine *g, struct status *out)
{
    char since[32];
    out->engine.running = true;
    out->engine.pid = (int)getpid();
    out->engine.version = xstrdup(REPL_VERSION);
    out->engine.since = xstrdup(clock_iso(since, sizeof since, g->started_wall));
}

static void fill_workers(const struct engine *g, struct status *out)
{
    int workers = g->jobs - g->joining, busy = g->in_flight - g->watching - g->joining;
    out->workers.running = workers;
    out->workers.busy = busy < workers ? busy : workers;
    out->workers.wanted = g->jobs_wanted;
    out->workers.max_rate = g->max_rate;
    if (g->join_err.kind != ERR_NONE)
        out->workers.error = xasprintf("%s: %s", g->join_err.side, g->join_err.text);
}

static void fill_copy(const struct engine *g, struct status *out)
{
    out->copy.rate_bytes_per_second = out->copy.eta_seconds = -1;
    if (g->life != LIFE_COPYING || g->paused)
        return;
    out->copy.from = g->world != NULL ? copy_text(g->world->fork) : NULL;
    out->copy.rate_bytes_per_second = eta_rate(&g->meter.bytes);
    out->copy.eta_seconds = forecast_seconds(g, out);
}

/* Until both sides were compared the target may show what no snapshot of the source ever was. */
static void fill_doubt(const struct engine *g, struct status *out)
{
    struct err e = {0};
    if (g->world == NULL || g->in_doubt == 0)
        return;
    const struct target_state *t = &g->world->state;
    out->consistent = false;
    out->doubt.tables = (int)g->in_doubt;
    out->doubt.since = copy_text(t->doubt_at);
    out->doubt.reason = copy_text(t->doubt_reason);
    err_set(&e, ERR_CONFIG, "%s", t->doubt_reason);
    err_hint(&e, "repl verify --repair");
    drift_tell(out, &e);
}

void progress_status(struct engine *g, struct status *out)
{
    struct err e;
    memset(out, 0, sizeof *out);
    out->phase = phase_shown(g);
    out->reached = phase_reached(g);
    out->back = g->o->sync->back;
    fill_engine(g, out);
    fill_workers(g, out);
    out->lag_seconds = lag_seconds(g);
    out->owed_rows = g->looked_ms == 0 && g->owed_rows == 0 ? -1 : g->owed_rows;
    out->position = copy_text(g->standing.snapshot);
    if (g->world != NULL)
        fill_tables(g, out);
    fill_table_error(g, out);
    finish_status(g, out);
    fill_copy(g, out);
    catchup_status(g, out);
    out->last_batch = g->last_batch.last_batch;
    out->last_batch.at = copy_text(g->last_batch.last_batch.at);
    out->next = out->phase == PHASE_FENCED && drift_any(g) == NULL ? next_behind_fence(g)
                                                                   : xstrdup(next_to_type(g, out->phase));
    out->consistent = (g->life == LIFE_FOLLOWING || g->steady) && g->standing.nown == 0;
    bool at_rest = out->phase == PHASE_FOLLOWING || out->phase == PHASE_PAUSED || out->phase == PHASE_FENCED;
    out->note = at_rest ? NULL : copy_text(g->note);
    if (!state_load_errors(g->o->state, 5, out, &e))
        log_debug("%s", e.text); /* the next write says so */
    drift_status(g, out);
    fill_doubt(g, out);
    held_status(g, out);
    rounds_status(g, out);
    waits_status(g, out);
    burden_status(g, out);
    fence_status(g, out);
    state_watch_status(g, out);
}

static void measure_table(struct table_plan *p, const struct status *st, uint64_t now)
{
    bool runs = p->state == TABLE_COPYING && p->nrunning != 0;
    if (!runs) {
        free(p->meter);
        p->meter = NULL;
        return;
    }
    if (p->meter == NULL)
        p->meter = xcalloc(1, sizeof *p->meter);
    eta_feed(p->meter, now, (double)st->tables[p->index].bytes_copied);
}

/* With other workers or another --max-rate what was measured before is no measure. */
static void forget_pace(struct engine *g)
{
    struct meter *m = &g->meter;
    int64_t pace = throttle_limit(g->throttle);
    if (m->pace == pace && m->jobs == g->jobs)
        return;
    m->pace = pace;
    m->jobs = g->jobs;
    eta_forget(&m->bytes);
    forecast_forget(g);
    eta_forget(&m->behind);
    eta_forget(&m->behind_rows);
    for (size_t i = 0; i < g->copy.ntables; i++)
        if (g->copy.tables[i].meter != NULL)
            eta_forget(g->copy.tables[i].meter);
}

static void measure(struct engine *g, const struct status *st)
{
    const uint64_t now = clock_ms();
    forget_pace(g);
    catchup_measure(g, st, now);
    if (g->life != LIFE_COPYING || g->paused) {
        eta_skip(&g->meter.bytes, now);
        forecast_skip(g, now);
        return;
    }
    eta_feed(&g->meter.bytes, now, (double)st->copy.bytes_done);
    forecast_feed(g, now, st);
    for (size_t i = 0; i < g->copy.ntables; i++)
        measure_table(&g->copy.tables[i], st, now);
}

void progress_tick(struct engine *g)
{
    struct status st;
    struct err e;
    finish_watch(g);
    forecast_watch(g);
    progress_status(g, &st);
    measure(g, &st);
    bool ok = state_save_status(g->o->state, &st, &e) &&
              (!g->batch_unsaved || state_batch_add(g->o->state, &st, &e));
    state_watch_result(g, ok, &e);
    g->batch_unsaved = false;
    status_visible(&st);
    if (g->o->progress != NULL)
        g->o->progress(g->o->arg, &st);
    status_free(&st);
}
