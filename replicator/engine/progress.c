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
#include "summary.h"

static char *copy_text(const char *s)
{
    return s != NULL && *s != '\0' ? xstrdup(s) : NULL;
}

/* ---- tables ---- */

static const char *table_phase(const struct engine *g, const struct table_plan *p, int id)
{
    if (drift_shown(g, id) != NULL)
        return drift_refused(g, id) ? "failed" : "drifted";
    if (drift_holds(g, id))
        return "paused";
    bool begun = p->nrunning != 0 || p->bytes_done != 0 || p->rows != 0 || p->state >= TABLE_MARKING;
    if (!begun)
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
        const struct err *why = drift_shown(g, r->id);
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

/*
 * Every figure that comes from a server has a time at which it was learned, and is shown as the present only while that server
 * is known to answer. A look that takes longer, with rows on the wire, makes the count of pending rows old; silence, or an
 * error that is open, makes all of them unknown.
 */
enum { FRUITLESS_MS = 60000 };

static double silence(const struct engine *g, enum side side)
{
    return wire_silent_seconds(&g->wires[side]);
}

static bool is_old(const struct engine *g, uint64_t since_ms, uint64_t now)
{
    return now - since_ms > pg_patience_ms() + (uint64_t)g->settings.poll_ms;
}

/* Nobody answers what the engine asked long ago. */
static bool is_silent(const struct engine *g, uint64_t now)
{
    bool asks = (g->looking && is_old(g, g->look_began_ms, now)) ||
                (g->life == LIFE_OPENING && is_old(g, g->open_began_ms, now));
    return asks && (silence(g, SIDE_SOURCE) * 1000 > pg_patience_ms() ||
                    silence(g, SIDE_TARGET) * 1000 > pg_patience_ms());
}

static bool is_out_of_touch(const struct engine *g)
{
    return g->trouble || g->retrying || g->failed || g->life == LIFE_WAITING || is_silent(g, clock_ms());
}

static double lag_seconds(const struct engine *g)
{
    if (g->looked_ms == 0 ||
        (g->life != LIFE_FOLLOWING && g->life != LIFE_CATCHING_UP && !(g->life == LIFE_OPENING && g->steady)))
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

/* The error is in the state file, where that can be written: once is enough. */
static void tell_trouble(const struct engine *g, struct status *out)
{
    if (!g->trouble && !g->retrying && !g->failed)
        return;
    for (size_t i = 0; i < out->nerrors; i++)
        if (strcmp(out->errors[i].message, g->trouble_err.text) == 0)
            return;
    drift_tell(out, &g->trouble_err);
}

/* What the error says to do; else what the engine does about it. */
static char *next_after(const struct err *e, bool fails)
{
    const char *what = e->hint[0] != '\0' ? e->hint : fails ? "remove what the error names" : "wait";
    bool told = strstr(what, "repl kick") != NULL;
    return xasprintf("%s%s%s%s%s%s", e->table, e->table[0] != '\0' ? ": " : "", what,
                     told ? "" : "; the engine ",
                     told    ? ""
                     : fails ? "then goes on"
                             : "tries again",
                     told ? "" : " by itself, at once with: repl kick");
}

/* "2 tables are paused (public.a, public.b): repl resume TABLE"; NULL where none is. */
static char *next_resume(const struct status *s)
{
    enum { NAMED = 3 };
    struct buf names = {0};
    size_t n = 0;
    for (size_t i = 0; i < s->ntables; i++)
        if (strcmp(s->tables[i].phase, "paused") == 0 && n++ < NAMED)
            buf_printf(&names, "%s%s.%s", n > 1 ? ", " : "", s->tables[i].schema, s->tables[i].name);
    if (n > NAMED)
        buf_printf(&names, " and %zu more", n - NAMED);
    char *text = n == 0   ? NULL
                 : n == 1 ? xasprintf("%s is paused: repl resume %s", names.data, names.data)
                          : xasprintf("%zu tables are paused (%s): repl resume TABLE", n, names.data);
    buf_free(&names);
    return text;
}

static char *next_to_type(const struct engine *g, const struct status *s)
{
    char *resume = NULL;
    if (g->trouble || g->retrying || g->failed)
        return next_after(&g->trouble_err, g->failed);
    if (s->phase == PHASE_PAUSED)
        return xstrdup("repl resume");
    if (s->phase == PHASE_FENCED && drift_any(g) == NULL)
        return next_behind_fence(g);
    if (drift_any(g) != NULL)
        return next_after(drift_any(g), true);
    if (held_any(g))
        return next_after(held_first(g), false);
    if (s->state == STATE_DEGRADED && s->nerrors != 0 && s->errors[0].hint != NULL)
        return xasprintf("%s%s%s", s->errors[0].table != NULL ? s->errors[0].table : "",
                         s->errors[0].table != NULL ? ": " : "", s->errors[0].hint);
    if (s->state == STATE_DEGRADED)
        return xstrdup("wait: a server has not answered; the engine goes on by itself. repl status --watch");
    if ((resume = next_resume(s)) != NULL)
        return resume;
    if (s->phase == PHASE_FOLLOWING && g->in_doubt != 0)
        return xstrdup(
            "repl verify --repair: until both sides were compared the target may hold rows that the "
            "source does not have");
    if (s->phase == PHASE_FOLLOWING && g->world != NULL && g->world->news.count != 0)
        return xasprintf("repl add %s (new on the source, and not replicated)", g->world->news.items[0]);
    if (s->phase == PHASE_FOLLOWING && g->o->sync->back)
        return xstrdup("the application's changes come back; to switch back: repl cutover --back (to stay: "
                       "repl stop, repl cleanup)");
    if (s->phase == PHASE_FOLLOWING)
        return xstrdup(
            "the target follows; when you are ready to switch: repl cutover --dry-run, then repl cutover");
    return xstrdup("wait: repl status --wait following");
}

static void fill_known(const struct engine *g, struct status *out)
{
    const uint64_t now = clock_ms();
    char at[32];
    bool lost = is_out_of_touch(g);
    bool counts = g->life == LIFE_FOLLOWING || g->life == LIFE_CATCHING_UP || g->life == LIFE_FINISHING ||
                  (g->life == LIFE_OPENING && g->opened_once) || g->life == LIFE_WAITING;
    bool old = counts && !g->catchup && is_old(g, g->known_ms, now);
    out->consistent = (g->life == LIFE_FOLLOWING || g->steady) && g->standing.nown == 0;
    out->consistent_unknown = out->consistent && lost;
    if (out->consistent_unknown)
        out->consistent = false;
    out->lag_seconds = lost ? -1 : lag_seconds(g);
    out->owed_rows = lost || g->known_ms == 0 || (counts && (g->paused || old)) ? -1 : g->owed_rows;
    if (g->known_ms == 0)
        return;
    out->known_at = xstrdup(clock_iso(at, sizeof at, g->known_wall));
    if (out->owed_rows < 0)
        out->unknown_seconds = (double)(now - g->known_ms) / 1000;
}

/* A side that does not answer, and why. Sides have the names that init gave them. */
static void fill_side(const struct engine *g, enum side side, struct status_side *out)
{
    bool trouble = g->trouble || g->retrying || g->failed;
    if (silence(g, side) * 1000 > pg_patience_ms())
        out->silent_seconds = silence(g, side);
    if (trouble && strcmp(g->trouble_err.side, side_name(side)) == 0 &&
        (g->trouble_err.kind == ERR_CONN || g->trouble_err.kind == ERR_CONFIG))
        out->error = xstrdup(g->trouble_err.text);
}

static enum status_state state_of(const struct engine *g, const struct status *s)
{
    if (s->phase == PHASE_FAILED)
        return STATE_FAILED;
    if ((g->trouble || g->retrying) && !supervise_reads_again(g))
        return STATE_RETRYING;
    bool fruitless = g->life == LIFE_FOLLOWING && !g->paused && s->unknown_seconds * 1000 > FRUITLESS_MS;
    return s->nerrors != 0 || fruitless || is_silent(g, clock_ms()) ? STATE_DEGRADED : STATE_OK;
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
    fill_known(g, out);
    fill_side(g, SIDE_SOURCE, side_is_turned() ? &out->target : &out->source);
    fill_side(g, SIDE_TARGET, side_is_turned() ? &out->source : &out->target);
    out->position = copy_text(g->standing.snapshot);
    if (g->world != NULL)
        fill_tables(g, out);
    fill_table_error(g, out);
    finish_status(g, out);
    fill_copy(g, out);
    catchup_status(g, out);
    out->last_batch = g->last_batch.last_batch;
    out->last_batch.at = copy_text(g->last_batch.last_batch.at);
    bool at_rest = out->phase == PHASE_FOLLOWING || out->phase == PHASE_PAUSED || out->phase == PHASE_FENCED;
    out->note = at_rest ? NULL : copy_text(g->note);
    if (!state_load_errors(g->o->state, 5, out, &e))
        log_debug("%s", e.text); /* the next write says so */
    tell_trouble(g, out);
    drift_status(g, out);
    fill_doubt(g, out);
    held_status(g, out);
    rounds_status(g, out);
    waits_status(g, out);
    if (!is_out_of_touch(g))
        burden_status(g, out);
    fence_status(g, out);
    state_watch_status(g, out);
    summary_status(g, out);
    out->state = state_of(g, out);
    out->next = next_to_type(g, out);
    drift_news(g, out);
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
    summary_tick(g);
    forecast_watch(g);
    progress_status(g, &st);
    measure(g, &st);
    bool ok = state_save_status(g->o->state, &st, &e) &&
              (!g->batch_unsaved || state_batch_add(g->o->state, &st, &e));
    state_watch_result(g, ok, &e);
    g->batch_unsaved = false;
    if (st.phase == PHASE_FAILED && !g->failed && drift_any(g) != NULL)
        control_answer_failed(g, drift_any(g)); /* all that is left to copy waits for a person */
    status_visible(&st);
    if (g->o->progress != NULL)
        g->o->progress(g->o->arg, &st);
    status_free(&st);
}
