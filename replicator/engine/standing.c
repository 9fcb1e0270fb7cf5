/* Where the target stands: one position for all tables, and those of tables that stand apart. */
#include <stdlib.h>

#include "private.h"

static struct own_position *own_of(const struct standing *s, int id)
{
    for (size_t i = 0; i < s->nown; i++)
        if (s->own[i].id == id)
            return &s->own[i];
    return NULL;
}

void standing_clear(struct standing *s)
{
    free(s->snapshot);
    for (size_t i = 0; i < s->nown; i++)
        free(s->own[i].snapshot);
    free(s->own);
    *s = (struct standing){0};
}

bool standing_apart(const struct standing *s, int id)
{
    return own_of(s, id) != NULL;
}

const char *standing_of(const struct standing *s, int id)
{
    const struct own_position *own = own_of(s, id);
    return own != NULL ? own->snapshot : s->snapshot;
}

static void add(struct standing *s, int id, const char *snapshot, int64_t batch)
{
    s->own = xrealloc(s->own, (s->nown + 1) * sizeof *s->own);
    s->own[s->nown++] = (struct own_position){id, xstrdup(snapshot), batch};
}

void standing_put(struct standing *s, int id, const char *snapshot, int64_t batch)
{
    struct own_position *own = own_of(s, id);
    if (own == NULL) {
        add(s, id, snapshot, batch);
        return;
    }
    free(own->snapshot);
    own->snapshot = xstrdup(snapshot);
    own->batch = batch;
}

void standing_written(struct standing *s, int64_t number)
{
    if (number > s->written)
        s->written = number;
}

void standing_advance(struct standing *s, const char *snapshot, int64_t number, const struct ids *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->nown; i++)
        if (ids_have(left_out, s->own[i].id))
            s->own[kept++] = s->own[i];
        else
            free(s->own[i].snapshot);
    s->nown = kept;
    for (size_t i = 0; i < left_out->count; i++)
        if (!standing_apart(s, left_out->items[i]))
            add(s, left_out->items[i], s->snapshot, s->batch);
    free(s->snapshot);
    s->snapshot = xstrdup(snapshot);
    s->batch++;
    s->number = number;
    standing_written(s, number);
}

/* Own positions only where the target came to them before that batch. */
static struct positions positions_before(const struct standing *s, int64_t batch, struct arena *a)
{
    struct table_position *own = arena_alloc(a, (s->nown + 1) * sizeof *own);
    for (size_t i = 0; i < s->nown; i++) {
        const char *snapshot = s->own[i].batch < batch ? s->own[i].snapshot : "";
        own[i] = (struct table_position){s->own[i].id, arena_strdup(a, snapshot)};
    }
    return (struct positions){.snapshot = arena_strdup(a, s->snapshot), .own = own, .nown = s->nown};
}

struct positions standing_positions(const struct standing *s, struct arena *a)
{
    return positions_before(s, INT64_MAX, a);
}

struct positions standing_proved(const struct standing *s, const struct target_state *target, struct arena *a)
{
    struct positions p = positions_before(s, s->batch, a);
    int *ids = arena_alloc(a, (target->nrelations + 1) * sizeof *ids);
    struct ids *known = arena_alloc(a, sizeof *known);
    for (size_t i = 0; i < target->nrelations; i++)
        ids[i] = target->relations[i].id;
    *known = (struct ids){ids, target->nrelations};
    p.known = known;
    return p;
}
