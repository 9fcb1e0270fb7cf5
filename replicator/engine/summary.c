/*
 * How long the first copy took: each state of the life-cycle counts for the step that it is, tables from their first chunk to
 * their last, indexes as their units tell. It is kept in the state file, so that an engine that goes on where another ended adds
 * to it, and told once, when the target follows.
 */
#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "repl/clock.h"
#include "repl/log.h"

/* Time is written this often; a killed engine loses no more of it. */
enum { WRITE_EVERY_MS = 10000 };

static const char told_key[] = "copy_told";

static const char *step_of(const struct engine *g, enum life life)
{
    switch (life) {
    case LIFE_COPYING:
        return "copy";
    case LIFE_INDEXING:
        return "indexes";
    case LIFE_CATCHING_UP:
        return "catching up";
    case LIFE_FINISHING:
        return g->finishing == 0 ? "constraints" : "analyze";
    default:
        return NULL;
    }
}

static void add(struct engine *g, const char *kind, const char *name, double seconds, int64_t rows,
                int64_t bytes)
{
    struct err e;
    char kind_text[16];
    char *name_text = xstrdup(name);
    snprintf(kind_text, sizeof kind_text, "%s", kind);
    const struct status_timing t = {
        .kind = kind_text, .name = name_text, .seconds = seconds, .rows = rows, .bytes = bytes};
    if (!state_timing_add(g->o->state, &t, &e))
        log_err(LOG_WARN, &e);
    free(name_text);
}

static double since(uint64_t ms)
{
    return (double)(clock_ms() - ms) / 1000;
}

/* What the step took since it was last written. */
static void write_step(struct engine *g)
{
    const char *step = step_of(g, g->life);
    if (step == NULL || g->summary.told || g->steady)
        return;
    int64_t rows = -1, bytes = -1;
    if (g->life == LIFE_COPYING) {
        rows = bytes = 0;
        for (size_t i = 0; i < g->copy.ntables; i++) {
            rows += g->copy.tables[i].rows;
            bytes += g->copy.tables[i].state == TABLE_COPIED ? g->copy.tables[i].bytes
                                                             : g->copy.tables[i].bytes_done;
        }
    }
    add(g, "step", step, since(g->summary.step_ms), rows, bytes);
    g->summary.step_ms = clock_ms();
}

void summary_opened(struct engine *g)
{
    struct err e;
    char *told = NULL;
    bool begun = g->world->state.nchunks != 0;
    for (size_t i = 0; i < g->world->state.nrelations && !begun; i++)
        begun = g->world->state.relations[i].copied;
    bool ok = state_get(g->o->state, told_key, &told, &e);
    if (ok && !begun)
        ok = state_set(g->o->state, told_key, NULL, &e) && state_timing_clear(g->o->state, &e);
    g->summary.told = told != NULL && begun;
    free(told);
    if (ok && g->summary.told && g->summary.timings.ntimings == 0)
        ok = state_load_timings(g->o->state, &g->summary.timings, &e);
    if (!ok)
        log_err(LOG_WARN, &e);
}

void summary_leaves(struct engine *g)
{
    write_step(g);
    g->summary.step_ms = clock_ms();
}

void summary_tick(struct engine *g)
{
    if (clock_ms() - g->summary.step_ms >= WRITE_EVERY_MS)
        write_step(g);
}

void summary_table(struct engine *g, const struct table_plan *p)
{
    const struct relation *r = &g->world->relations.items[p->index];
    if (!g->summary.told && p->began_ms != 0)
        add(g, "table", r->label, since(p->began_ms), p->rows, p->bytes);
}

void summary_unit(struct engine *g, const struct unit *u, double seconds)
{
    if (!g->summary.told && u->kind == UNIT_INDEX)
        add(g, "index", u->what, seconds, -1, -1);
}

static void say_step(struct engine *g, const struct status_timing *t)
{
    char took[32], bytes[32], rate[32];
    str_duration(took, sizeof took, t->seconds);
    if (t->bytes < 0)
        engine_say(g, LOG_INFO, NULL, "%s took %s", t->name, took);
    else
        engine_say(g, LOG_INFO, NULL, "%s took %s: %lld rows, %s, %s/s", t->name, took, (long long)t->rows,
                   str_bytes(bytes, sizeof bytes, (double)t->bytes),
                   str_bytes(rate, sizeof rate, t->seconds > 0 ? (double)t->bytes / t->seconds : 0));
}

/* "slowest tables: public.a 12s, public.b 3.4s" */
static void say_slowest(struct engine *g, const struct status *st, const char *kind, const char *label)
{
    char took[32];
    struct buf b = {0};
    for (size_t i = 0; i < st->ntimings; i++)
        if (strcmp(st->timings[i].kind, kind) == 0)
            buf_printf(&b, "%s%s %s", b.len != 0 ? ", " : "", st->timings[i].name,
                       str_duration(took, sizeof took, st->timings[i].seconds));
    if (b.len != 0)
        engine_say(g, LOG_INFO, NULL, "%s: %s", label, b.data);
    buf_free(&b);
}

void summary_follows(struct engine *g)
{
    struct err e;
    if (g->summary.told || g->finishing < FINISHED)
        return;
    g->summary.told = true;
    if (!state_load_timings(g->o->state, &g->summary.timings, &e) ||
        !state_set(g->o->state, told_key, "yes", &e)) {
        log_err(LOG_WARN, &e);
        return;
    }
    const struct status *st = &g->summary.timings;
    double total = 0;
    char took[32];
    for (size_t i = 0; i < st->ntimings; i++)
        if (strcmp(st->timings[i].kind, "step") == 0) {
            say_step(g, &st->timings[i]);
            total += st->timings[i].seconds;
        }
    engine_say(g, LOG_INFO, NULL, "the first copy took %s in all", str_duration(took, sizeof took, total));
    say_slowest(g, st, "table", "slowest tables");
    say_slowest(g, st, "index", "slowest indexes");
}

void summary_status(const struct engine *g, struct status *out)
{
    const struct status *st = &g->summary.timings;
    out->timings = xcalloc(st->ntimings + 1, sizeof *out->timings);
    out->ntimings = st->ntimings;
    for (size_t i = 0; i < st->ntimings; i++) {
        out->timings[i] = st->timings[i];
        out->timings[i].kind = xstrdup(st->timings[i].kind);
        out->timings[i].name = xstrdup(st->timings[i].name);
    }
}
