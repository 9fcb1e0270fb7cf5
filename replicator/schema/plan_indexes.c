/*
 * What is built after the load. The target's tables are full by then, so the work is sorting; it is cut so that many
 * can sort at a time, over tables and within one:
 *
 *   stage 0   what is broken goes; indexes of partitioned tables, which are empty frames
 *   stage 1   every index for itself, the largest tables first; the small tables' by the dozen
 *   stage 2   primary keys and unique constraints are made of their indexes: a look at the catalog
 *   stage 3   what waits for those: partitions' indexes join their frames, views that group by a key, statistics
 *
 * A constraint that builds its own index holds ACCESS EXCLUSIVE on the table meanwhile; a CREATE UNIQUE INDEX does
 * not. On small tables that is of no use.
 *
 * The indexes of a large table, stage 1, may be built early: as soon as that table is copied, while others still are.
 */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "restore.h"
#include "unit.h"

enum { STAGE_FRAMES, STAGE_BUILD, STAGE_KEYS, STAGE_REST };

/* Of small tables, in one unit. */
enum { TOGETHER = 40 };

struct index { /* of the source, with its entry in the table of contents */
    struct toc_entry *entry;
    const char *name, *table; /* schema.name */
    char kind;                /* of the table */
    const char *build, *key;  /* NULL: the entry's own statements alone */
    bool ready;               /* a build that was not made a constraint any more */
    bool broken;              /* it is dropped in stage 0 */
    int64_t bytes;            /* of the table */
};

struct plan {
    struct restore r;
    struct units *u;
    struct index *items; /* in the order of their tables */
    size_t count;
    size_t packed, tables_packed; /* the last pack of small tables: its place behind, how many tables */
};

/* ---- what is there ---- */

static int there_at(const struct result *there, const char *schema, const char *name)
{
    int from = 0, to = result_rows(there);
    while (from < to) {
        int at = from + (to - from) / 2;
        int order = strcmp(schema, result_text(there, at, 0));
        order = order != 0 ? order : strcmp(name, result_text(there, at, 1));
        if (order == 0)
            return at;
        if (order < 0)
            to = at;
        else
            from = at + 1;
    }
    return -1;
}

static void drop_broken(struct plan *p, struct index *x, const char *sql)
{
    const char *what = arena_printf(p->r.a, "the broken index %s", x->name);
    x->entry->present = false;
    x->broken = true;
    unit_add(p->u, p->r.a, UNIT_OBJECT, STAGE_FRAMES, what,
             arena_printf(p->r.a, "DROP INDEX IF EXISTS %s", sql))
        ->serial = true;
    p->r.say(p->r.arg, arena_printf(p->r.a, "%s is on the target: it is dropped and built anew", what));
}

static void look_at(struct plan *p, struct index *x, const struct result *there, int at)
{
    if (at < 0)
        return;
    if (result_bool(there, at, 3))
        drop_broken(p, x, result_text(there, at, 2));
    else
        x->ready = x->key != NULL && !x->entry->present && result_bool(there, at, 4);
}

static bool read_indexes(struct plan *p, const struct heap_sizes *sizes, struct err *e)
{
    struct arena *a = p->r.a;
    struct result *wanted = NULL, *there = NULL;
    const struct sql_var vars[] = {{"own_schema", p->r.s->schema}, {NULL, NULL}};
    bool ok = pg_query_filled(p->r.source, sql_schema_indexes_wanted, vars, &wanted, e) &&
              pg_query_filled(p->r.target, sql_schema_indexes_there, vars, &there, e);
    p->items = arena_alloc(a, (ok ? (size_t)result_rows(wanted) + 1 : 1) * sizeof *p->items);
    for (int i = 0; ok && i < result_rows(wanted); i++) {
        struct index *x = &p->items[p->count];
        x->entry =
            toc_find(&p->r.dump.toc, (uint32_t)result_int(wanted, i, 0), (uint32_t)result_int(wanted, i, 1));
        if (x->entry == NULL || x->entry->step != TOC_INDEXES || x->entry->left_out != NULL)
            continue;
        p->count++;
        const char *schema = result_text(wanted, i, 2), *name = result_text(wanted, i, 3);
        x->name = arena_printf(a, "%s.%s", schema, name);
        x->table = arena_printf(a, "%s.%s", result_text(wanted, i, 5), result_text(wanted, i, 6));
        x->kind = result_text(wanted, i, 7)[0];
        x->build = result_null(wanted, i, 8) ? NULL : arena_strdup(a, result_text(wanted, i, 8));
        x->key = result_null(wanted, i, 9) ? NULL : arena_strdup(a, result_text(wanted, i, 9));
        x->bytes = heap_size(sizes, result_text(wanted, i, 5), result_text(wanted, i, 6));
        look_at(p, x, there, there_at(there, schema, name));
    }
    result_free(wanted);
    result_free(there);
    return ok;
}

static int by_table(const void *x, const void *y)
{
    const struct index *a = x, *b = y;
    int order = strcmp(a->table, b->table);
    return order != 0 ? order : a->entry->id - b->entry->id;
}

/* ---- the units ---- */

static void add_key(struct plan *p, const struct index *x)
{
    struct unit *u =
        unit_add(p->u, p->r.a, UNIT_KEY, STAGE_KEYS, arena_printf(p->r.a, "constraint %s", x->name), x->key);
    u->table = x->table;
    u->alone = true;
}

/* "CREATE UNIQUE INDEX" of a constraint, which may be there from a run that was killed. */
static const char *build_of(const struct plan *p, const struct index *x)
{
    static const char create[] = "CREATE UNIQUE INDEX ";
    if (strncmp(x->build, create, strlen(create)) != 0)
        return x->build;
    return arena_printf(p->r.a, "%sIF NOT EXISTS %s", create, x->build + strlen(create));
}

/* One statement: what follows it (CLUSTER ON, REPLICA IDENTITY) would need the constraint. */
static bool is_single(const char *sql)
{
    const char *end = strstr(sql, ";\n");
    return end == NULL || end[2] == '\0';
}

static void add_large(struct plan *p, const struct index *x, size_t beside)
{
    bool split = x->key != NULL && beside > 1 && is_single(x->entry->sql);
    const char *sql = split ? build_of(p, x) : x->entry->sql;
    struct unit *u =
        unit_add(p->u, p->r.a, UNIT_INDEX, STAGE_BUILD, arena_printf(p->r.a, "index %s", x->name), sql);
    u->table = x->table;
    u->bytes = x->bytes;
    u->early = !x->broken;
    if (split)
        add_key(p, x);
}

/* To the last pack of small tables, or to a new one. */
static void add_small(struct plan *p, const struct index *x, const char *table_before)
{
    struct unit *pack = p->packed > 0 ? &p->u->items[p->packed - 1] : NULL;
    bool same = strcmp(table_before, x->table) == 0;
    if (pack == NULL || (!same && (pack->nsql >= TOGETHER || pack->bytes >= UNIT_LARGE_BYTES))) {
        pack = unit_add(p->u, p->r.a, UNIT_INDEX, STAGE_BUILD, "", x->entry->sql);
        p->packed = p->u->count;
        p->tables_packed = 1;
    } else {
        unit_also(pack, p->r.a, x->entry->sql);
        p->tables_packed += !same;
    }
    pack->table = p->tables_packed == 1 ? x->table : "";
    pack->bytes += same ? 0 : x->bytes;
    if (p->tables_packed > 1)
        pack->what = arena_printf(p->r.a, "%zu indexes of %zu small tables", pack->nsql, p->tables_packed);
    else if (pack->nsql > 1)
        pack->what = arena_printf(p->r.a, "%zu indexes of %s", pack->nsql, x->table);
    else
        pack->what = arena_printf(p->r.a, "index %s", x->name);
}

static bool is_built(const struct index *x)
{
    return x->kind == 'r' && toc_left(x->entry, TOC_INDEXES);
}

/* How many of a table's indexes are still to be built. */
static size_t count_beside(const struct plan *p, size_t first)
{
    size_t n = 0;
    for (size_t i = first; i < p->count && strcmp(p->items[i].table, p->items[first].table) == 0; i++)
        n += is_built(&p->items[i]) && !p->items[i].ready;
    return n;
}

static void add_builds(struct plan *p)
{
    const char *table_before = "";
    size_t beside = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct index *x = &p->items[i];
        if (i == 0 || strcmp(p->items[i - 1].table, x->table) != 0)
            beside = count_beside(p, i);
        if (!is_built(x))
            continue;
        if (x->ready) {
            add_key(p, x);
        } else if (x->bytes >= UNIT_LARGE_BYTES) {
            add_large(p, x, beside);
        } else {
            add_small(p, x, table_before);
            table_before = x->table;
        }
    }
}

static void add_serial(struct plan *p, int stage, const struct toc_entry *it, struct unit **pack)
{
    if (*pack != NULL && (*pack)->nsql < TOGETHER) {
        unit_also(*pack, p->r.a, it->sql);
        (*pack)->what = arena_printf(p->r.a, "%zu others up to %s", (*pack)->nsql, restore_name(it, p->r.a));
        return;
    }
    *pack = unit_add(p->u, p->r.a, UNIT_OBJECT, stage, restore_name(it, p->r.a), it->sql);
    (*pack)->serial = true;
}

/* In the order of the dump, which is one in which they can be made. */
static void add_others(struct plan *p, int stage)
{
    struct unit *pack = NULL;
    struct toc *toc = &p->r.dump.toc;
    int *stages = xcalloc(toc->count + 1, sizeof *stages);
    for (size_t i = 0; i < toc->count; i++)
        stages[i] = STAGE_REST;
    for (size_t i = 0; i < p->count; i++)
        stages[p->items[i].entry - toc->items] = p->items[i].kind == 'p'  ? STAGE_FRAMES
                                                 : is_built(&p->items[i]) ? STAGE_BUILD
                                                                          : STAGE_REST;
    for (size_t i = 0; i < toc->count; i++)
        if (toc_left(&toc->items[i], TOC_INDEXES) && stages[i] == stage)
            add_serial(p, stage, &toc->items[i], &pack);
    free(stages);
}

bool units_indexes(const struct units_wanted *w, struct arena *a, struct units *out, struct err *e)
{
    struct plan p = {.u = out};
    struct heap_sizes sizes = {0};
    *out = (struct units){0};
    if (w->s->no_schema)
        return true;
    if (!restore_begin(&p.r, w, true, a, e))
        return false;
    bool ok = heap_sizes_read(w->early ? p.r.source : w->target, w->s->schema, &sizes, e) &&
              read_indexes(&p, &sizes, e) && restore_script(&p.r, TOC_INDEXES, e);
    if (ok) {
        qsort(p.items, p.count, sizeof *p.items, by_table);
        restore_limits_of(&p.r, out);
        add_others(&p, STAGE_FRAMES);
        add_builds(&p);
        add_others(&p, STAGE_REST);
        units_sort(out);
    }
    heap_sizes_free(&sizes);
    restore_end(&p.r);
    return ok;
}
