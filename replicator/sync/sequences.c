#include "repl/sequences.h"

#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"

static bool read_all(struct conn *c, const char *own_schema, bool wait, struct arena *a,
                     struct sequences *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {
        {"own_schema", own_schema}, {"wait", wait ? "true" : "false"}, {NULL, NULL}};
    char *sql = sql_fill(sql_sync_sequences, vars);
    bool ok = pg_kept_query(c, arena_printf(a, "AS %s", sql), 0, NULL, &r, e);
    free(sql);
    if (!ok && err_is(e, "55P03"))
        catalog_blame(c, e);
    if (!ok)
        return err_context(e, "reading sequences");
    out->count = (size_t)result_rows(r);
    out->items = arena_alloc(a, out->count * sizeof *out->items);
    for (int i = 0; i < result_rows(r); i++)
        out->items[i] = (struct sequence){.schema = arena_strdup(a, result_text(r, i, 0)),
                                          .name = arena_strdup(a, result_text(r, i, 1)),
                                          .sql = arena_strdup(a, result_text(r, i, 2)),
                                          .called = !result_null(r, i, 3),
                                          .value = result_int(r, i, 3),
                                          .up = result_bool(r, i, 4),
                                          .locked = result_bool(r, i, 5),
                                          .cycles = result_bool(r, i, 6)};
    result_free(r);
    return true;
}

bool sequences_read(struct conn *c, const char *own_schema, struct arena *a, struct sequences *out,
                    struct err *e)
{
    return read_all(c, own_schema, true, a, out, e);
}

bool sequences_look(struct conn *c, const char *own_schema, struct arena *a, struct sequences *out,
                    struct err *e)
{
    return read_all(c, own_schema, false, a, out, e);
}

static int compare(const struct sequence *x, const struct sequence *y)
{
    int by_schema = strcmp(x->schema, y->schema);
    return by_schema != 0 ? by_schema : strcmp(x->name, y->name);
}

/* Never backwards: what the target gave out already must not be given again. */
static bool ahead(const struct sequence *source, const struct sequence *target)
{
    if (!source->called)
        return false;
    if (!target->called)
        return true;
    return source->up ? source->value > target->value : source->value < target->value;
}

void sequences_ahead(const struct sequences *source, const struct sequences *target, struct arena *a,
                     struct sequence_value **out, size_t *count)
{
    size_t t = 0;
    *out = arena_alloc(a, source->count * sizeof **out);
    *count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct sequence *s = &source->items[i];
        while (t < target->count && compare(&target->items[t], s) < 0)
            t++;
        if (t < target->count && compare(&target->items[t], s) == 0 && ahead(s, &target->items[t]))
            (*out)[(*count)++] = (struct sequence_value){.sql = s->sql, .value = s->value, .up = s->up};
    }
}

/* The target's sequence of that name; both lists are in the same order. */
static const struct sequence *same_one(const struct sequences *target, const struct sequence *s)
{
    size_t low = 0, high = target->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(&target->items[middle], s) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < target->count && compare(&target->items[low], s) == 0 ? &target->items[low] : NULL;
}

void sequences_cycled(const struct sequences *source, const struct sequences *target, struct arena *a,
                      struct sequence_value **out, size_t *count)
{
    *out = arena_alloc(a, (source->count + 1) * sizeof **out);
    *count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct sequence *s = &source->items[i], *t = same_one(target, s);
        if (t != NULL && s->cycles && s->called && (!t->called || t->value != s->value))
            (*out)[(*count)++] =
                (struct sequence_value){.sql = s->sql, .value = s->value, .up = s->up, .exact = true};
    }
}

const struct sequence *sequences_set_back(const struct sequences *source, const struct sequences *target,
                                          size_t *at, const struct sequence **there)
{
    while (*at < source->count) {
        const struct sequence *s = &source->items[(*at)++];
        *there = same_one(target, s);
        if (*there != NULL && !s->cycles && !s->locked && (*there)->called &&
            (!s->called || ((*there)->value != s->value && !ahead(s, *there))))
            return s;
    }
    return NULL;
}

char *sequence_set_back_sql(struct arena *a, const struct sequence *source)
{
    struct buf name = {0};
    sql_literal(&name, source->sql);
    char *sql = source->called ? arena_printf(a, "SELECT pg_catalog.setval(%s, %lld)", name.data,
                                              (long long)source->value)
                               : arena_printf(a, "ALTER SEQUENCE %s RESTART", source->sql);
    buf_free(&name);
    return sql;
}

const struct sequence *sequences_locked(const struct sequences *source, const struct sequences *target)
{
    size_t t = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct sequence *s = &source->items[i];
        while (t < target->count && compare(&target->items[t], s) < 0)
            t++;
        if (s->locked && t < target->count && compare(&target->items[t], s) == 0)
            return s;
    }
    return NULL;
}

void sequences_note(struct sequences *target, const struct sequence_value *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < target->count; t++)
            if (strcmp(target->items[t].sql, set[i].sql) == 0) {
                target->items[t].called = true;
                target->items[t].value = set[i].value;
            }
}

bool sequences_begin(struct conn *source, struct conn *target, const char *own_schema, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"own_schema", own_schema}, {NULL, NULL}};
    bool ok = pg_query_filled(source, sql_sync_sequences_set_aside, vars, &r, e);
    if (!ok)
        return err_context(e, "reading sequences");
    for (int i = 0; ok && i < result_rows(r); i++) {
        const struct sql_var one[] = {
            {"sequence", result_text(r, i, 0)}, {"next", result_text(r, i, 1)}, {NULL, NULL}};
        struct result *set;
        ok = pg_query_filled(target, sql_sync_sequence_begin, one, &set, e);
        if (ok)
            result_free(set);
    }
    result_free(r);
    return ok;
}
