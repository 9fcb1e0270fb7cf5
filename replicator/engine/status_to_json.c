/* The contract of `status --json` as it is written; status_from_json.c reads it. What is not known is null. */
#include "repl/engine.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void add_side(cJSON *root, const char *key, const struct status_side *side)
{
    cJSON *o = cJSON_AddObjectToObject(root, key);
    add_known_real(o, "silent_seconds", side->silent_seconds > 0 ? side->silent_seconds : -1);
    add_text(o, "error", side->error);
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

static void add_timings(cJSON *parent, const char *key, const struct status *s, const char *kind)
{
    cJSON *list = cJSON_AddArrayToObject(parent, key);
    for (size_t i = 0; i < s->ntimings; i++) {
        const struct status_timing *t = &s->timings[i];
        if (strcmp(t->kind, kind) != 0)
            continue;
        cJSON *o = cJSON_CreateObject();
        add_text(o, "name", t->name);
        add_real(o, "seconds", t->seconds);
        add_known_int(o, "rows", t->rows);
        add_known_int(o, "bytes", t->bytes);
        cJSON_AddItemToArray(list, o);
    }
}

static void add_summary(cJSON *root, const struct status *s)
{
    double total = 0;
    if (s->ntimings == 0) {
        cJSON_AddNullToObject(root, "summary");
        return;
    }
    for (size_t i = 0; i < s->ntimings; i++)
        total += strcmp(s->timings[i].kind, "step") == 0 ? s->timings[i].seconds : 0;
    cJSON *o = cJSON_AddObjectToObject(root, "summary");
    add_real(o, "seconds", total);
    add_timings(o, "steps", s, "step");
    add_timings(o, "tables", s, "table");
    add_timings(o, "indexes", s, "index");
}

static void add_waits(cJSON *root, const struct status *s)
{
    cJSON *list = cJSON_AddArrayToObject(root, "waits");
    for (size_t i = 0; i < s->nwaits; i++) {
        const struct status_wait *w = &s->waits[i];
        cJSON *o = cJSON_CreateObject(), *blocker = NULL;
        add_text(o, "side", w->side);
        add_text(o, "step", w->step);
        add_text(o, "table", w->table);
        add_real(o, "seconds", w->seconds);
        if (w->blocker.pid > 0) {
            blocker = cJSON_AddObjectToObject(o, "blocker");
            add_int(blocker, "pid", w->blocker.pid);
            add_text(blocker, "user", w->blocker.user);
            add_text(blocker, "name", w->blocker.name);
            add_known_real(blocker, "query_seconds", w->blocker.query_seconds);
        } else {
            cJSON_AddNullToObject(o, "blocker");
        }
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

static void add_doubt(cJSON *root, const struct status *s)
{
    if (s->doubt.tables == 0) {
        cJSON_AddNullToObject(root, "doubt");
        return;
    }
    cJSON *o = cJSON_AddObjectToObject(root, "doubt");
    add_int(o, "tables", s->doubt.tables);
    add_text(o, "since", s->doubt.since);
    add_text(o, "reason", s->doubt.reason);
}

char *status_to_json(const struct status *s, bool pretty)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "phase", phase_name(s->phase));
    cJSON_AddStringToObject(root, "state", state_name(s->state));
    cJSON_AddStringToObject(root, "reached", phase_name(s->reached));
    cJSON_AddStringToObject(root, "direction", s->back ? "back" : "forward");
    add_engine(root, s);
    add_workers(root, s);
    add_load(root, s);
    add_known_real(root, "lag_seconds", s->lag_seconds);
    add_known_int(root, "owed_rows", s->owed_rows);
    add_known_real(root, "unknown_seconds", s->unknown_seconds > 0 ? s->unknown_seconds : -1);
    add_text(root, "known_at", s->known_at);
    add_side(root, "source", &s->source);
    add_side(root, "target", &s->target);
    add_text(root, "position", s->position);
    cJSON *cutover = cJSON_AddObjectToObject(root, "cutover");
    add_text(cutover, "state", s->cutover.state);
    add_text(cutover, "since", s->cutover.since);
    add_text(cutover, "why", s->cutover.why);
    if (s->consistent_unknown)
        cJSON_AddNullToObject(root, "consistent");
    else
        cJSON_AddBoolToObject(root, "consistent", s->consistent);
    add_doubt(root, s);
    add_text(root, "note", s->note);
    add_copy(root, s);
    add_catch_up(root, s);
    add_last_batch(root, s);
    add_step(root, s);
    add_tables(root, s);
    add_summary(root, s);
    add_waits(root, s);
    add_errors(root, s);
    add_text(root, "next", s->next);
    char *text = pretty ? cJSON_Print(root) : cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (text == NULL)
        abort(); /* out of memory */
    return text;
}
