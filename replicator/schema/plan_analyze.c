/*
 * Statistics: without them the target's first hours are slow ones. One unit a table, the largest first; the small
 * tables by the dozen.
 */
#include "restore.h"
#include "unit.h"

enum { SMALL_BYTES = 8 << 20, TOGETHER = 40 };

static void add_table(struct units *u, struct arena *a, const struct relation *t, size_t *pack)
{
    const char *sql = arena_printf(a, "ANALYZE %s", t->sql);
    struct unit *unit;
    if (t->bytes<SMALL_BYTES && * pack> 0 && u->items[*pack - 1].nsql < TOGETHER) {
        unit = &u->items[*pack - 1];
        unit_also(unit, a, sql);
        unit->what = arena_printf(a, "statistics of %zu small tables", unit->nsql);
        unit->table = "";
        return;
    }
    unit = unit_add(u, a, UNIT_ANALYZE, 0, arena_printf(a, "statistics of %s", t->label), sql);
    unit->table = t->label;
    unit->bytes = t->bytes;
    if (t->bytes < SMALL_BYTES)
        *pack = u->count;
}

bool units_analyze(const struct units_wanted *w, struct arena *a, struct units *out, struct err *e)
{
    struct restore r;
    size_t pack = 0;
    *out = (struct units){0};
    if (!restore_begin(&r, w, false, a, e))
        return false;
    restore_limits_of(&r, out);
    for (size_t i = 0; i < w->tables->count; i++)
        add_table(out, a, &w->tables->items[i], &pack);
    bool ok = matviews_add(&r, out, 0, true, e);
    units_sort(out);
    restore_end(&r);
    return ok;
}
