#include "repl/rel.h"

#include <stdio.h>
#include <string.h>

static bool turned;

void side_names_turn(bool back)
{
    turned = back;
}

bool side_is_turned(void)
{
    return turned;
}

static enum side as_init_named(enum side s)
{
    if (!turned || s == SIDE_FORK)
        return s;
    return s == SIDE_SOURCE ? SIDE_TARGET : SIDE_SOURCE;
}

const char *side_name(enum side s)
{
    static const char *const names[] = {
        [SIDE_SOURCE] = "source", [SIDE_TARGET] = "target", [SIDE_FORK] = "fork"};
    return names[as_init_named(s)];
}

const char *side_option(enum side s)
{
    static const char *const options[] = {
        [SIDE_SOURCE] = "--source", [SIDE_TARGET] = "--target", [SIDE_FORK] = "--copy-from"};
    return options[as_init_named(s)];
}

enum trigger_kind relation_trigger_kind(const struct relation *r)
{
    return r->partitioned || r->inherited ? TRIGGER_ROW : TRIGGER_STATEMENT;
}

struct relation *relations_find(const struct relations *l, const char *schema, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0 && strcmp(l->items[i].schema, schema) == 0)
            return &l->items[i];
    return NULL;
}

const struct relation *relations_by_id(const struct relations *l, int id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].id == id)
            return &l->items[i];
    return NULL;
}

const struct relation *relations_twin(const struct relations *targets, const struct relation *r)
{
    const struct relation *t = r->id != 0 ? relations_by_id(targets, r->id) : NULL;
    if (t != NULL)
        return t;
    t = relations_find(targets, r->schema, r->name);
    return t != NULL && t->id == 0 ? t : NULL;
}

const struct relation *relations_by_label(const struct relations *l, const char *label)
{
    const struct relation *found = NULL;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->items[i].label, label) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = &l->items[i];
    }
    return found;
}

bool err_relation(struct err *e, const struct relation *r)
{
    char label[sizeof e->table];
    snprintf(label, sizeof label, "%s.%s", r->schema, r->name);
    if (e->relation != 0)
        return false;
    if (e->table[0] != '\0' && strcmp(e->table, label) != 0)
        err_context(e, "%s", e->table);
    memcpy(e->table, label, sizeof label);
    e->relation = r->id;
    return false;
}

const struct column *relation_column(const struct relation *r, const char *name)
{
    for (size_t i = 0; i < r->ncolumns; i++)
        if (strcmp(r->columns[i].name, name) == 0)
            return &r->columns[i];
    return NULL;
}

bool relation_fits_stage(const struct relation *r)
{
    enum { MOST = 1600 }; /* columns of a table, MaxHeapAttributeNumber */
    size_t n = r->nkey != 0 ? 1 + r->nkey : 0;
    for (size_t i = 0; i < r->ncolumns; i++)
        n += !r->columns[i].generated;
    return n <= MOST;
}

bool relation_names_objects(const struct relation *r)
{
    for (size_t i = 0; i < r->ncolumns; i++) {
        const char *type = r->columns[i].base_type;
        if (strncmp(type, "reg", 3) == 0 && strchr(type, '.') == NULL)
            return true;
    }
    return false;
}

bool relation_binary(const struct relation *r)
{
    if (!relation_fits_stage(r))
        return false; /* the bytes of a row carry the oids of its types */
    for (size_t i = 0; i < r->ncolumns; i++)
        if (!r->columns[i].generated && !r->columns[i].binary_safe)
            return false;
    return r->ncolumns != 0;
}

const struct column *relation_key(const struct relation *r, size_t k)
{
    return &r->columns[r->key[k].column];
}

bool relation_key_has(const struct relation *r, const char *column)
{
    for (size_t k = 0; k < r->nkey; k++)
        if (strcmp(relation_key(r, k)->name, column) == 0)
            return true;
    return false;
}

double relation_row_bytes(const struct relation *r)
{
    const double unknown = 100;
    double bytes = r->row_bytes > 0 ? r->row_bytes : unknown;
    return bytes > 1 ? bytes : 1;
}

bool ids_have(const struct ids *l, int id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == id)
            return true;
    return false;
}
