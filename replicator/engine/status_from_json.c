/*
 * The contract of `status --json` as it is read (status_to_json.c writes it). A reader that knows fewer keys than the
 * writer skips the others; what a writer that knows fewer left out is not known.
 */
#include "repl/engine.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "repl/mem.h"

/* An object being read. ok falls at the first value of a wrong type, and stays down. */
struct reader {
    const cJSON *o;
    bool *ok;
};

static const cJSON *get(struct reader r, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(r.o, key);
    return cJSON_IsNull(v) ? NULL : v;
}

static char *get_text(struct reader r, const char *key)
{
    const cJSON *v = get(r, key);
    if (v == NULL)
        return NULL;
    *r.ok = *r.ok && cJSON_IsString(v);
    return *r.ok ? xstrdup(v->valuestring) : NULL;
}

/* if_null also where the key is missing. */
static double get_real(struct reader r, const char *key, double if_null)
{
    const cJSON *v = get(r, key);
    if (v == NULL)
        return if_null;
    *r.ok = *r.ok && cJSON_IsNumber(v) && isfinite(v->valuedouble);
    return *r.ok ? v->valuedouble : if_null;
}

static int64_t get_int(struct reader r, const char *key, int64_t if_null)
{
    double v = get_real(r, key, (double)if_null);
    if (v >= -0x1p63 && v < 0x1p63)
        return (int64_t)v;
    *r.ok = false;
    return if_null;
}

static int get_small(struct reader r, const char *key)
{
    int64_t v = get_int(r, key, 0);
    *r.ok = *r.ok && v >= INT32_MIN && v <= INT32_MAX;
    return *r.ok ? (int)v : 0;
}

static bool get_bool(struct reader r, const char *key)
{
    const cJSON *v = get(r, key);
    *r.ok = *r.ok && (v == NULL || cJSON_IsBool(v));
    return cJSON_IsTrue(v);
}

static struct reader get_object(struct reader r, const char *key)
{
    const cJSON *v = get(r, key);
    *r.ok = *r.ok && (v == NULL || cJSON_IsObject(v));
    return (struct reader){.o = v, .ok = r.ok};
}

static size_t get_list(struct reader r, const char *key, const cJSON **first)
{
    const cJSON *v = get(r, key);
    *r.ok = *r.ok && (v == NULL || cJSON_IsArray(v));
    *first = *r.ok && v != NULL ? v->child : NULL;
    return *first != NULL ? (size_t)cJSON_GetArraySize(v) : 0;
}

static void read_root(struct reader r, struct status *s)
{
    char *phase = get_text(r, "phase");
    *r.ok = phase != NULL && phase_parse(phase, &s->phase);
    free(phase);
    phase = get_text(r, "reached");
    s->reached = s->phase;
    *r.ok = *r.ok && (phase == NULL || phase_parse(phase, &s->reached));
    free(phase);
    char *state = get_text(r, "state");
    s->state = STATE_OK;
    *r.ok = *r.ok && (state == NULL || state_parse(state, &s->state));
    free(state);
    char *direction = get_text(r, "direction");
    s->back = direction != NULL && strcmp(direction, "back") == 0;
    free(direction);
    s->lag_seconds = get_real(r, "lag_seconds", -1);
    s->owed_rows = get_int(r, "owed_rows", -1);
    s->position = get_text(r, "position");
    struct reader cutover = get_object(r, "cutover");
    s->cutover.state = get_text(cutover, "state");
    s->cutover.since = get_text(cutover, "since");
    s->cutover.why = get_text(cutover, "why");
    s->unknown_seconds = get_real(r, "unknown_seconds", 0);
    s->known_at = get_text(r, "known_at");
    s->consistent = get_bool(r, "consistent");
    struct reader doubt = get_object(r, "doubt");
    s->doubt.tables = get_small(doubt, "tables");
    s->doubt.since = get_text(doubt, "since");
    s->doubt.reason = get_text(doubt, "reason");
    s->consistent_unknown = cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(r.o, "consistent"));
    s->note = get_text(r, "note");
    s->next = get_text(r, "next");
}

static void read_side(struct reader r, const char *key, struct status_side *side)
{
    struct reader o = get_object(r, key);
    side->silent_seconds = get_real(o, "silent_seconds", 0);
    side->error = get_text(o, "error");
}

static void read_engine(struct reader r, struct status *s)
{
    struct reader engine = get_object(r, "engine");
    *r.ok = *r.ok && engine.o != NULL;
    s->engine.running = get_bool(engine, "running");
    s->engine.pid = get_small(engine, "pid");
    s->engine.version = get_text(engine, "version");
    s->engine.since = get_text(engine, "since");
}

static void read_workers(struct reader r, struct status *s)
{
    struct reader workers = get_object(r, "workers");
    s->workers.running = get_small(workers, "running");
    s->workers.wanted = get_small(workers, "wanted");
    s->workers.busy = get_small(workers, "busy");
    s->workers.error = get_text(workers, "error");
    s->workers.max_rate = get_int(workers, "max_rate_bytes_per_second", 0);
}

static void read_load(struct reader r, struct status *s)
{
    struct reader load = get_object(r, "load");
    s->load.known = load.o != NULL;
    if (s->load.known) {
        s->load.delta_bytes = get_int(load, "delta_bytes", 0);
        s->load.wal_kept_bytes = get_int(load, "wal_kept_bytes", -1);
        s->load.wal_bytes_per_second = get_real(load, "wal_bytes_per_second", -1);
        s->load.connections_free = get_int(load, "connections_free", 0);
        s->load.slowed = get_text(load, "slowed");
    }
}

static void read_copy(struct reader r, struct status *s)
{
    struct reader copy = get_object(r, "copy");
    s->copy.bytes_done = get_int(copy, "bytes_done", 0);
    s->copy.bytes_total = get_int(copy, "bytes_total", 0);
    s->copy.rows_done = get_int(copy, "rows_done", 0);
    s->copy.rate_bytes_per_second = get_real(copy, "rate_bytes_per_second", -1);
    s->copy.eta_seconds = get_real(copy, "eta_seconds", -1);
    s->copy.from = get_text(copy, "from");
}

static void read_catch_up(struct reader r, struct status *s)
{
    struct reader behind = get_object(r, "catch_up");
    s->catch_up.goes_on = behind.o != NULL;
    s->catch_up.tables_done = get_small(behind, "tables_done");
    s->catch_up.tables_total = get_small(behind, "tables_total");
    s->catch_up.bytes_done = get_int(behind, "bytes_done", 0);
    s->catch_up.bytes_total = get_int(behind, "bytes_total", 0);
    s->catch_up.rows_done = get_int(behind, "rows_done", 0);
    s->catch_up.rate_rows_per_second = get_real(behind, "rate_rows_per_second", -1);
    s->catch_up.eta_seconds = get_real(behind, "eta_seconds", -1);
}

static void read_last_batch(struct reader r, struct status *s)
{
    struct reader batch = get_object(r, "last_batch");
    s->last_batch.at = get_text(batch, "at");
    s->last_batch.tables = get_small(batch, "tables");
    s->last_batch.rows_upserted = get_int(batch, "rows_upserted", 0);
    s->last_batch.rows_deleted = get_int(batch, "rows_deleted", 0);
    s->last_batch.bytes = get_int(batch, "bytes", 0);
    s->last_batch.seconds = get_real(batch, "seconds", 0);
}

static void read_step(struct reader r, struct status *s)
{
    const cJSON *item;
    struct reader step = get_object(r, "step");
    if (step.o == NULL)
        return;
    s->step.name = get_text(step, "name");
    s->step.units_done = get_small(step, "units_done");
    s->step.units_total = get_small(step, "units_total");
    size_t n = get_list(step, "running", &item);
    s->step.running = xcalloc(n, sizeof *s->step.running);
    for (; item != NULL && s->step.nrunning < n; item = item->next) {
        struct status_unit *u = &s->step.running[s->step.nrunning++];
        struct reader o = {.o = item, .ok = r.ok};
        u->what = get_text(o, "what");
        u->table = get_text(o, "table");
        u->phase = get_text(o, "phase");
        u->fraction = get_real(o, "fraction", -1);
        u->seconds = get_real(o, "seconds", 0);
        *r.ok = *r.ok && u->what != NULL;
    }
}

static void read_tables(struct reader r, struct status *s)
{
    const cJSON *item;
    size_t n = get_list(r, "tables", &item);
    s->tables = xcalloc(n, sizeof *s->tables);
    for (; item != NULL && s->ntables < n; item = item->next) {
        struct status_table *t = &s->tables[s->ntables++];
        struct reader o = {.o = item, .ok = r.ok};
        t->schema = get_text(o, "schema");
        t->name = get_text(o, "name");
        t->phase = get_text(o, "phase");
        t->rows_copied = get_int(o, "rows_copied", 0);
        t->bytes_copied = get_int(o, "bytes_copied", 0);
        t->bytes_total = get_int(o, "bytes_total", 0);
        t->rate_bytes_per_second = get_real(o, "rate_bytes_per_second", -1);
        t->eta_seconds = get_real(o, "eta_seconds", -1);
        t->owed_rows = get_int(o, "owed_rows", -1);
        t->error = get_text(o, "error");
        *r.ok = *r.ok && t->schema != NULL && t->name != NULL;
    }
}

static void read_timings(struct reader summary, const char *key, const char *kind, struct status *s)
{
    const cJSON *item;
    size_t n = get_list(summary, key, &item);
    s->timings = xrealloc(s->timings, (s->ntimings + n + 1) * sizeof *s->timings);
    for (size_t i = 0; item != NULL && i < n; item = item->next, i++) {
        struct status_timing *t = &s->timings[s->ntimings++];
        struct reader o = {.o = item, .ok = summary.ok};
        *t = (struct status_timing){.kind = xstrdup(kind),
                                    .name = get_text(o, "name"),
                                    .seconds = get_real(o, "seconds", 0),
                                    .rows = get_int(o, "rows", -1),
                                    .bytes = get_int(o, "bytes", -1)};
        *o.ok = *o.ok && t->name != NULL;
    }
}

static void read_summary(struct reader r, struct status *s)
{
    struct reader summary = get_object(r, "summary");
    if (summary.o == NULL)
        return;
    read_timings(summary, "steps", "step", s);
    read_timings(summary, "tables", "table", s);
    read_timings(summary, "indexes", "index", s);
}

static void read_waits(struct reader r, struct status *s)
{
    const cJSON *item;
    size_t n = get_list(r, "waits", &item);
    s->waits = xcalloc(n, sizeof *s->waits);
    for (; item != NULL && s->nwaits < n; item = item->next) {
        struct status_wait *w = &s->waits[s->nwaits++];
        struct reader o = {.o = item, .ok = r.ok}, blocker = get_object(o, "blocker");
        w->side = get_text(o, "side");
        w->step = get_text(o, "step");
        w->table = get_text(o, "table");
        w->seconds = get_real(o, "seconds", 0);
        w->blocker.pid = get_small(blocker, "pid");
        w->blocker.user = get_text(blocker, "user");
        w->blocker.name = get_text(blocker, "name");
        w->blocker.query_seconds = get_real(blocker, "query_seconds", -1);
        *r.ok = *r.ok && w->side != NULL && w->step != NULL;
    }
}

static void read_errors(struct reader r, struct status *s)
{
    const cJSON *item;
    size_t n = get_list(r, "errors", &item);
    s->errors = xcalloc(n, sizeof *s->errors);
    for (; item != NULL && s->nerrors < n; item = item->next) {
        struct status_error *x = &s->errors[s->nerrors++];
        struct reader o = {.o = item, .ok = r.ok};
        x->at = get_text(o, "at");
        x->table = get_text(o, "table");
        x->message = get_text(o, "message");
        x->hint = get_text(o, "hint");
        *r.ok = *r.ok && x->message != NULL;
    }
}

bool status_from_json(const char *json, struct status *out)
{
    memset(out, 0, sizeof *out);
    cJSON *root = cJSON_Parse(json);
    bool ok = cJSON_IsObject(root);
    struct reader r = {.o = root, .ok = &ok};
    if (ok) {
        read_root(r, out);
        read_engine(r, out);
        read_side(r, "source", &out->source);
        read_side(r, "target", &out->target);
        read_workers(r, out);
        read_load(r, out);
        read_copy(r, out);
        read_catch_up(r, out);
        read_last_batch(r, out);
        read_step(r, out);
        read_tables(r, out);
        read_summary(r, out);
        read_waits(r, out);
        read_errors(r, out);
    }
    cJSON_Delete(root);
    if (!ok)
        status_free(out);
    return ok;
}
