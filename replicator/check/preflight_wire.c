/* The wire: round trips, and what the probe says of the time that a copy takes. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "probe.h"
#include "repl/clock.h"

enum { TRIPS = 5 };

/* Every batch is a handful of round trips; from here on they are what it takes its time for. */
static const double FAR = 0.05;

/* Less than this says nothing about a rate. */
static const int64_t WORTH_A_PROBE = 8000000;

/* Unless the questions for the clock have told already. */
static bool measure_trip(struct conn *c, double *out, struct err *e)
{
    if (*out >= 0)
        return true;
    for (int i = 0; i < TRIPS; i++) {
        uint64_t before = clock_us();
        if (!pg_exec(c, "SELECT", e))
            return false;
        double trip = (double)(clock_us() - before) / 1e6;
        if (*out < 0 || trip < *out)
            *out = trip;
    }
    return true;
}

static bool judge_trips(struct look *l, struct err *e)
{
    double *from = &l->estimate->source.round_trip, *to = &l->estimate->target.round_trip;
    if (!measure_trip(l->source, from, e) || !measure_trip(l->target, to, e))
        return false;
    char *text = arena_printf(l->a, "a round trip takes %.2f ms to the source, %.2f ms to the target",
                              *from * 1000, *to * 1000);
    if (*from > FAR || *to > FAR)
        look_add(l, FINDING_WARNING, "wire", *from > *to ? "source" : "target", "", text,
                 "run repl on a machine near both, best in the target's region: each batch is several round "
                 "trips");
    else
        look_ok(l, "wire", "", "%s", text);
    return true;
}

/* ---- the probe ---- */

static bool is_blocked(const struct look *l, const char *topic)
{
    for (size_t i = 0; i < l->out->count; i++)
        if (l->out->items[i].level == FINDING_BLOCKER && strcmp(l->out->items[i].topic, topic) == 0)
            return true;
    return false;
}

/* Those that may be read. */
static size_t readable(const struct look *l, const struct relation **out)
{
    size_t n = 0;
    for (size_t i = 0; i < l->on_source_tables.count; i++) {
        const struct table_facts *f = &l->on_source_tables.facts[i];
        if (f->known && f->may_read && !f->rows_hidden)
            out[n++] = l->on_source_tables.items[i];
    }
    return n;
}

static void fill_estimate(const struct look *l, const struct probe *p)
{
    struct estimate *t = l->estimate;
    t->source.bytes_per_second = p->source_rate;
    t->target.bytes_per_second = p->target_rate;
    t->index_bytes_per_second = p->index_rate;
    double rate = p->target_rate > 0 && p->target_rate < p->source_rate ? p->target_rate : p->source_rate;
    if (rate > 0)
        t->copy_seconds = (double)t->bytes * p->stretch / rate;
    if (p->index_rate > 0)
        t->index_seconds = (double)t->index_bytes / p->index_rate;
}

static void tell_estimate(struct look *l)
{
    const struct estimate *t = l->estimate;
    char from[32], to[32], copy[32], idx[32], bytes[32];
    if (t->copy_seconds < 0)
        return;
    const char *target =
        t->target.bytes_per_second > 0
            ? arena_printf(l->a, "%s/s into the target", str_bytes(to, sizeof to, t->target.bytes_per_second))
            : "the target could not be measured";
    const char *indexes = t->index_seconds >= 0
                              ? arena_printf(l->a, ", then about %s for the indexes",
                                             str_duration(idx, sizeof idx, t->index_seconds))
                              : ", then the indexes";
    look_ok(l, "wire", "", "over %d connection%s %s/s came from the %s, %s: about %s for the copy of %s%s",
            t->connections, t->connections == 1 ? "" : "s",
            str_bytes(from, sizeof from, t->source.bytes_per_second), t->from_fork ? "fork" : "source",
            target, str_duration(copy, sizeof copy, t->copy_seconds),
            str_bytes(bytes, sizeof bytes, (double)t->bytes), indexes);
}

/* Where the copy will read. */
static bool choose_slices(struct look *l, struct probe *p, struct err *e)
{
    struct conn *fork;
    const struct relation **tables = arena_alloc(l->a, (l->tables.count + 1) * sizeof(struct relation *));
    if (!p->fork)
        return probe_plan(p, l->source, tables, readable(l, tables), l->a, e);
    if (!sync_connect(l->s, SIDE_FORK, "check", &fork, e))
        return false;
    bool ok = probe_plan(p, fork, l->from_fork, l->nfrom_fork, l->a, e);
    conn_close(fork);
    return ok;
}

static bool run_probe(struct look *l, struct err *e)
{
    struct probe p = {.s = l->s,
                      .may_write = l->state.exists ||
                                   (l->facts[SIDE_TARGET].known && l->facts[SIDE_TARGET].may_create),
                      .make_schema = !l->state.exists,
                      .fork = l->nfrom_fork > 0};
    char *path = NULL;
    if (!catalog_search_path(l->source, &path, e))
        return false;
    p.search_path = path;
    bool ok = choose_slices(l, &p, e) && probe_run(&p, e);
    free(path);
    if (!ok)
        return err_context(e, "measuring the wire");
    l->estimate->from_fork = p.fork;
    fill_estimate(l, &p);
    tell_estimate(l);
    return true;
}

bool step_wire(struct look *l, enum side side, struct err *e)
{
    (void)side;
    if (!judge_trips(l, e))
        return false;
    if (!l->probe || l->tables.count == 0)
        return true;
    if (l->estimate->bytes < WORTH_A_PROBE)
        look_ok(l, "wire", "", "there is too little to copy for a rate to mean anything: seconds");
    else if (is_blocked(l, "fork"))
        look_ok(l, "wire", "", "not measured, since it is not the source that the rows are to come from");
    else if (is_blocked(l, "connections"))
        look_ok(l, "wire", "", "not measured, since connections are short");
    else
        return run_probe(l, e);
    return true;
}
