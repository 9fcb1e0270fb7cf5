/*
 * The contract of `status --json`, both ways. What is not known is null; a reader that knows fewer keys than the
 * writer skips the others, and a writer that knows fewer leaves the reader with "not known".
 */
#include "repl/engine.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/mem.h"

/* ---- writing ---- */

static void add_text(cJSON *o, const char *key, const char *value)
{
    if (value != NULL)
        cJSON_AddStringToObject(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

/* As digits: cJSON's numbers are doubles, which print large ones as 1e+15. */
static void add_int(cJSON *o, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddRawToObject(o, key, text);
}

static void add_known_int(cJSON *o, const char *key, int64_t value)
{
    if (value >= 0)
        add_int(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

/* Milliseconds are exact enough for people and graphs. */
static void add_real(cJSON *o, const char *key, double value)
{
    char text[64];
    snprintf(text, sizeof text, "%.3f", value);
    if (isfinite(value) && fabs(value) < 1e18)
        cJSON_AddRawToObject(o, key, text);
    else
        cJSON_AddNullToObject(o, key);
}

static void add_known_real(cJSON *o, const char *key, double value)
{
    add_real(o, key, value >= 0 ? value : NAN);
}

static void add_engine(cJSON *root, const struct status *s)
{
    cJSON *o = cJSON_AddObjectToObject(root, "engine");
    cJSON_AddBoolToObject(o, "running", s->engine.running);
    if (s->engine.pid > 0)
        add_int(o, "pid", s->engine.pid);
    else
        cJSON_AddNullToObject(o, "pid");
    add_text(o, "version", s->engine.version);
    add_text(o, "since", s->engine.since);
}

static void add_workers(cJSON *root, const struct status *s)
{
    cJSON *o = cJSON_AddObjectToObject(root, "workers");
    add_int(o, "running", s->workers.running);
    add_int(o, "wanted", s->workers.wanted);
    add_int(o, "busy", s->workers.busy);
    add_text(o, "error", s->workers.error);
    add_known_int(o, "max_rate_bytes_per_second", s->workers.max_rate != 0 ? s->workers.max_rate : -1);
}

static void add_load(cJSON *root, const struct status *s)
{
    if (!s->load.known) {
        cJSON_AddNullToObject(root, "load");
        return;
    }
    cJSON *o = cJSON_AddObjectToObject(root, "load");
    add_int(o, "delta_bytes", s->load.delta_bytes);
    add_known_int(o, "wal_kept_bytes", s->load.wal_kept_bytes);
    add_known_real(o, "wal_bytes_per_second", s->load.wal_bytes_per_second);
    add_int(o, "connections_free", s->load.connections_free);
    add_text(o, "slowed", s->load.slowed);
}

static void add_copy(cJSON *root, const struct status *s)
{
    cJSON *o = cJSON_AddObjectToObject(root, "copy");
    add_int(o, "bytes_done", s->copy.bytes_done);
    add_int(o, "bytes_total", s->copy.bytes_total);
    add_int(o, "rows_done", s->copy.rows_done);
    add_known_real(o, "rate_bytes_per_second", s->copy.rate_bytes_per_second);
    add_known_real(o, "eta_seconds", s->copy.eta_seconds);
    add_text(o, "from", s->copy.from);
}

static void add_last_batch(cJSON *root, const struct status *s)
{
    cJSON *o = cJSON_AddObjectToObject(root, "last_batch");
    add_text(o, "at", s->last_batch.at);
    add_int(o, "tables", s->last_batch.tables);
    add_int(o, "rows_upserted", s->last_batch.rows_upserted);
    add_int(o, "rows_deleted", s->last_batch.rows_deleted);
    add_int(o, "bytes", s->last_batch.bytes);
    add_real(o, "seconds", s->last_batch.seconds);
}

static void add_catch_up(cJSON *root, const struct status *s)
{
    if (!s->catch_up.goes_on) {
        cJSON_AddNullToObject(root, "catch_up");
        return;
    }
    cJSON *o = cJSON_AddObjectToObject(root, "catch_up");
    add_int(o, "tables_done", s->catch_up.tables_done);
    add_int(o, "tables_total", s->catch_up.tables_total);
    add_int(o, "bytes_done", s->catch_up.bytes_done);
    add_int(o, "bytes_total", s->catch_up.bytes_total);
    add_int(o, "rows_done", s->catch_up.rows_done);
    add_known_real(o, "rate_rows_per_second", s->catch_up.rate_rows_per_second);
    add_known_real(o, "eta_seconds", s->catch_up.eta_seconds);
}

static void add_step(cJSON *root, const struct status *s)
{
    if (s->step.name == NULL) {
        cJSON_AddNullToObject(root, "step");
        return;
    }
    cJSON *step = cJSON_AddObjectToObject(root, "step");
    add_text(step, "name", s->step.name);
    add_int(step, "units_done", s->step.units_done);
    add_int(step, "units_total", s->step.units_total);
    cJSON *list = cJSON_AddArrayToObject(step, "running");
    for (size_t i = 0; i < s->step.nrunning; i++) {
        const struct status_unit *u = &s->step.running[i];
        cJSON *o = cJSON_CreateObject();
        add_text(o, "what", u->what);
        add_text(o, "table", u->table);
        add_text(o, "phase", u->phase);
        add_known_real(o, "fraction", u->fraction);
        add_real(o, "seconds", u->seconds);
        cJSON_AddItemToArray(list, o);
    }
}

static void add_tables(cJSON *root, const struct status *s)
{
    cJSON *list = cJSON_AddArrayToObject(root, "tables");
    for (size_t i = 0; i < s->ntables; i++) {
        const struct status_table *t = &s->tables[i];
        cJSON *o = cJSON_CreateObject();
        add_text(o, "schema", t->schema);
        add_text(o, "name", t->name);
        add_text(o, "phase", t->phase);
        add_int(o, "rows_copied", t->rows_copied);
        add_int(o, "bytes_copied", t->bytes_copied);
        add_int(o, "bytes_total", t->bytes_total);
        add_known_real(o, "rate_bytes_per_second", t->rate_bytes_per_second);
        add_known_real(o, "eta_seconds", t->eta_seconds);
        add_known_int(o, "owed_rows", t->owed_rows);
        add_text(o, "error", t->error);
        cJSON_AddItemToArray(list, o);
    }
}

static void add_errors(cJSON *root, const struct status *s)
{
    cJSON *list = cJSON_AddArrayToObject(root, "errors");
    for (size_t i = 0; i < s->nerrors; i++) {
        cJSON *o = cJSON_CreateObject();
        add_text(o, "at", s->errors[i].at);
        add_text(o, "table", s->errors[i].table);
        add_text(o, "message", s->errors[i].message);
        add_text(o, "hint", s->errors[i].hint);
        cJSON_AddItemToArray(list, o);
    }
}

char *status_to_json(const struct status *s, bool pretty)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "phase", phase_name(s->phase));
    cJSON_AddStringToObject(root, "reached", phase_name(s->reached));
    cJSON_AddStringToObject(root, "direction", s->back ? "back" : "forward");
    add_engine(root, s);
    add_workers(root, s);
    add_load(root, s);
    add_known_real(root, "lag_seconds", s->lag_seconds);
    add_known_int(root, "owed_rows", s->owed_rows);
    add_text(root, "position", s->position);
    cJSON_AddBoolToObject(root, "consistent", s->consistent);
    add_text(root, "note", s->note);
    add_copy(root, s);
    add_catch_up(root, s);
    add_last_batch(root, s);
    add_step(root, s);
    add_tables(root, s);
    add_errors(root, s);
    add_text(root, "next", s->next);
    char *text = pretty ? cJSON_Print(root) : cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (text == NULL)
        abort(); /* out of memory */
    return text;
}

/* ---- reading ---- */

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

static void read_scalars(struct reader r, struct status *s)
{
    char *phase = get_text(r, "phase");
    *r.ok = phase != NULL && phase_parse(phase, &s->phase);
    free(phase);
    phase = get_text(r, "reached");
    s->reached = s->phase;
    *r.ok = *r.ok && (phase == NULL || phase_parse(phase, &s->reached));
    free(phase);
    char *direction = get_text(r, "direction");
    s->back = direction != NULL && strcmp(direction, "back") == 0;
    free(direction);
    s->lag_seconds = get_real(r, "lag_seconds", -1);
    s->owed_rows = get_int(r, "owed_rows", -1);
    s->position = get_text(r, "position");
    s->consistent = get_bool(r, "consistent");
    s->note = get_text(r, "note");
    s->next = get_text(r, "next");

    struct reader engine = get_object(r, "engine");
    *r.ok = *r.ok && engine.o != NULL;
    s->engine.running = get_bool(engine, "running");
    s->engine.pid = get_small(engine, "pid");
    s->engine.version = get_text(engine, "version");
    s->engine.since = get_text(engine, "since");

    struct reader workers = get_object(r, "workers");
    s->workers.running = get_small(workers, "running");
    s->workers.wanted = get_small(workers, "wanted");
    s->workers.busy = get_small(workers, "busy");
    s->workers.error = get_text(workers, "error");
    s->workers.max_rate = get_int(workers, "max_rate_bytes_per_second", 0);

    struct reader load = get_object(r, "load");
    s->load.known = load.o != NULL;
    if (s->load.known) {
        s->load.delta_bytes = get_int(load, "delta_bytes", 0);
        s->load.wal_kept_bytes = get_int(load, "wal_kept_bytes", -1);
        s->load.wal_bytes_per_second = get_real(load, "wal_bytes_per_second", -1);
        s->load.connections_free = get_int(load, "connections_free", 0);
        s->load.slowed = get_text(load, "slowed");
    }

    struct reader copy = get_object(r, "copy");
    s->copy.bytes_done = get_int(copy, "bytes_done", 0);
    s->copy.bytes_total = get_int(copy, "bytes_total", 0);
    s->copy.rows_done = get_int(copy, "rows_done", 0);
    s->copy.rate_bytes_per_second = get_real(copy, "rate_bytes_per_second", -1);
    s->copy.eta_seconds = get_real(copy, "eta_seconds", -1);
    s->copy.from = get_text(copy, "from");

    struct reader behind = get_object(r, "catch_up");
    s->catch_up.goes_on = behind.o != NULL;
    s->catch_up.tables_done = get_small(behind, "tables_done");
    s->catch_up.tables_total = get_small(behind, "tables_total");
    s->catch_up.bytes_done = get_int(behind, "bytes_done", 0);
    s->catch_up.bytes_total = get_int(behind, "bytes_total", 0);
    s->catch_up.rows_done = get_int(behind, "rows_done", 0);
    s->catch_up.rate_rows_per_second = get_real(behind, "rate_rows_per_second", -1);
    s->catch_up.eta_seconds = get_real(behind, "eta_seconds", -1);

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
        read_scalars(r, out);
        read_step(r, out);
        read_tables(r, out);
        read_errors(r, out);
    }
    cJSON_Delete(root);
    if (!ok)
        status_free(out);
    return ok;
}
