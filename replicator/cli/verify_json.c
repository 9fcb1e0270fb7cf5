/* The report of a comparison for programs: its keys are a contract. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

static void add_text(cJSON *o, const char *key, const char *value)
{
    if (value != NULL)
        cJSON_AddStringToObject(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

static void add_number(cJSON *o, const char *key, int64_t value)
{
    cJSON_AddNumberToObject(o, key, (double)value);
}

static void add_table(cJSON *list, const struct verify_table *t)
{
    cJSON *o = cJSON_CreateObject();
    add_text(o, "schema", t->schema);
    add_text(o, "name", t->name);
    add_text(o, "state", t->state);
    add_text(o, "reason", t->reason);
    add_number(o, "rows", t->rows);
    add_number(o, "bytes", t->bytes);
    add_number(o, "missing", t->missing);
    add_number(o, "extra", t->extra);
    add_number(o, "different", t->different);
    add_number(o, "repaired", t->repaired);
    add_number(o, "unsettled", t->unsettled);
    add_number(o, "ranges", t->ranges);
    add_number(o, "ranges_left_out", t->left_out);
    cJSON_AddItemToArray(list, o);
}

static void add_difference(cJSON *list, const struct verify_difference *d)
{
    cJSON *o = cJSON_CreateObject();
    add_text(o, "table", d->table);
    add_text(o, "kind", d->kind);
    add_text(o, "key", d->shown);
    add_text(o, "columns", d->columns);
    add_text(o, "source", d->source);
    add_text(o, "target", d->target);
    cJSON_AddBoolToObject(o, "repaired", d->repaired);
    cJSON_AddItemToArray(list, o);
}

static void add_sums(cJSON *root, const struct verify_sums *s)
{
    add_number(root, "tables_compared", (int64_t)s->compared);
    add_number(root, "tables_not_compared", (int64_t)(s->skipped + s->failed));
    add_number(root, "rows", s->rows);
    add_number(root, "bytes", s->bytes);
    add_number(root, "missing", s->missing);
    add_number(root, "extra", s->extra);
    add_number(root, "different", s->different);
    add_number(root, "sequences", (int64_t)s->sequences);
    add_number(root, "repaired", s->repaired);
    add_number(root, "unsettled", s->unsettled);
    add_number(root, "ranges", s->ranges);
    add_number(root, "ranges_left_out", s->left_out);
}

void verify_json(const struct verify_report *r)
{
    struct verify_sums s = verify_report_sums(r);
    cJSON *root = cJSON_CreateObject();
    add_text(root, "result", r->result);
    add_text(root, "began_at", r->began_at);
    add_text(root, "ended_at", r->ended_at);
    add_text(root, "options", r->options);
    cJSON_AddNumberToObject(root, "seconds", r->seconds);
    add_number(root, "network_bytes", r->network);
    add_sums(root, &s);
    cJSON *tables = cJSON_AddArrayToObject(root, "tables");
    for (size_t i = 0; i < r->ntables; i++)
        add_table(tables, &r->tables[i]);
    cJSON *differences = cJSON_AddArrayToObject(root, "differences");
    for (size_t i = 0; i < r->ndifferences; i++)
        add_difference(differences, &r->differences[i]);
    cJSON *notes = cJSON_AddArrayToObject(root, "not_compared");
    for (size_t i = 0; i < r->nnotes; i++) {
        cJSON *o = cJSON_CreateObject();
        add_text(o, "what", r->notes[i].what);
        add_number(o, "count", r->notes[i].count);
        cJSON_AddItemToArray(notes, o);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        abort(); /* out of memory */
    puts(text);
    free(text);
}
