/*
 * A target that was restored by other means from a copy of the source, made after capture was installed. Capture's own
 * schema came along: by it the copy is known, table by table, and nothing else could tell. Why the rows can be taken:
 * docs/architecture.md, "Rows from a fork".
 */
#include "repl/origin.h"

#include <string.h>

bool seed_rows(struct conn *source, struct conn *target, const char *own_schema, const struct relations *l,
               struct arena *a, bool *has_rows, struct err *e)
{
    struct relations there;
    size_t n = 0, full;
    const struct relation **list = arena_alloc(a, (l->count + 1) * sizeof(struct relation *));
    const struct relation **rows = arena_alloc(a, (l->count + 1) * sizeof(struct relation *));
    if (!catalog_read(target, own_schema, a, &there, e))
        return false;
    for (size_t i = 0; i < l->count; i++) {
        const struct relation *t = relations_find(&there, l->items[i].schema, l->items[i].name);
        if (t != NULL)
            list[n++] = t;
    }
    if (!tables_with_rows(source, target, list, n, rows, &full, e))
        return false;
    for (size_t i = 0; i < full; i++) {
        const struct relation *r = relations_find(l, rows[i]->schema, rows[i]->name);
        has_rows[r - l->items] = true;
    }
    return true;
}

bool seed_has(struct conn *target, struct conn *source, const struct capture *c, const struct relations *l,
              struct arena *a, enum seed_has **out, struct err *e)
{
    struct captured_table *here, *there;
    bool *rows = arena_alloc(a, (l->count + 1) * sizeof *rows);
    memset(rows, 0, (l->count + 1) * sizeof *rows);
    if (!capture_seen(source, c, l, a, &here, e) || !capture_seen(target, c, l, a, &there, e) ||
        !seed_rows(source, target, c->schema, l, a, rows, e))
        return false;
    *out = arena_alloc(a, (l->count + 1) * sizeof **out);
    for (size_t i = 0; i < l->count; i++) {
        bool captured = here[i].installed_at[0] != '\0' && here[i].id == there[i].id &&
                        strcmp(here[i].installed_at, there[i].installed_at) == 0;
        bool partly = l->items[i].partitioned && here[i].unlogged;
        (*out)[i] = !rows[i] ? SEED_EMPTY : !captured ? SEED_UNCAPTURED : partly ? SEED_PARTLY : SEED_GIVES;
    }
    return true;
}

struct relations seed_taken(const struct relations *l, const enum seed_has *has, struct arena *a)
{
    struct relations taken = {.items = arena_alloc(a, (l->count + 1) * sizeof *taken.items)};
    for (size_t i = 0; i < l->count; i++)
        if (has[i] == SEED_GIVES)
            taken.items[taken.count++] = l->items[i];
    return taken;
}

bool seed_awaited(const struct sync *s, struct conn *target, const struct target_state *state, bool *out,
                  struct err *e)
{
    struct capture there = {.schema = s->schema};
    *out = false;
    if (!s->seeded || state->exists)
        return true;
    if (!capture_find(target, &there, e))
        return false;
    *out = there.sync_id[0] == '\0';
    return true;
}
