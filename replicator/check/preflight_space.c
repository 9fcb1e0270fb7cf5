/* How much there is to copy, and whether it has room. */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "preflight.h"
#include "repl/embedded.h"

/* Below this nobody needs to look at a disk by hand. */
static const int64_t WORTH_A_LOOK = 100000000;

bool step_sizes(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    char tables[32], indexes[32], most[32];
    const struct relation *largest = NULL;
    const struct sql_var vars[] = {{"oids", table_oids(l, &l->tables)}, {NULL, NULL}};
    (void)side;
    if (!pg_query_filled(l->source, sql_check_sizes, vars, &r, e))
        return false;
    l->sizes = (struct sizes){.known = true,
                              .tables = result_int(r, 0, 0),
                              .indexes = result_int(r, 0, 1),
                              .largest_index = result_int(r, 0, 2),
                              .database = result_int(r, 0, 3),
                              .heaps = result_int(r, 0, 4),
                              .nindexes = result_int(r, 0, 5)};
    result_free(r);
    l->estimate->bytes = l->sizes.tables;
    l->estimate->index_bytes = l->sizes.indexes;
    for (size_t i = 0; i < l->tables.count; i++)
        if (largest == NULL || l->tables.items[i].bytes > largest->bytes)
            largest = &l->tables.items[i];
    if (largest != NULL)
        look_ok(l, "sizes", "source", "%s of rows and %s of indexes; the largest table is %s with %s",
                str_bytes(tables, sizeof tables, (double)l->sizes.tables),
                str_bytes(indexes, sizeof indexes, (double)l->sizes.indexes), largest->label,
                str_bytes(most, sizeof most, (double)largest->bytes));
    return true;
}

/* ---- the target's disk ---- */

/* Rows, indexes, the sort of the largest index, and WAL up to the next checkpoint, which is no more than what is
 * written; a tenth more for what fill factors and the like do not show. */
static int64_t room_needed(const struct look *l, int64_t max_wal)
{
    int64_t written = l->sizes.tables + l->sizes.indexes;
    return (written + l->sizes.largest_index) / 10 * 11 + (max_wal < written ? max_wal : written);
}

/* Only a server that is reached by a Unix socket is surely on this machine, and only a role that may see all settings
 * is told the folder. -1: not known. */
static int64_t free_on_disk(const struct result *r)
{
    struct statvfs fs;
    if (!result_bool(r, 0, 1) || result_text(r, 0, 2)[0] == '\0' || statvfs(result_text(r, 0, 2), &fs) != 0)
        return -1;
    return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

bool step_disk(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    char need[32], have[32];
    (void)side;
    if (!l->sizes.known)
        return true;
    if (!pg_query_filled(l->target, sql_check_disk, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    int64_t room = room_needed(l, result_int(r, 0, 0)), left = free_on_disk(r);
    result_free(r);
    str_bytes(need, sizeof need, (double)room);
    str_bytes(have, sizeof have, (double)left);
    if (left >= 0 && left < room)
        look_add(l, FINDING_BLOCKER, "disk", "target", "",
                 arena_printf(l->a, "%s are free on its disk, and about %s are needed", have, need),
                 "make room there first");
    else if (left >= 0)
        look_ok(l, "disk", "target", "%s are free on its disk, about %s are needed", have, need);
    else if (room < WORTH_A_LOOK)
        look_ok(l, "disk", "target", "about %s are needed there", need);
    else
        look_add(l, FINDING_WARNING, "disk", "target", "",
                 arena_printf(l->a,
                              "about %s are needed there, and how much is free cannot be asked through SQL",
                              need),
                 "look yourself (RDS: the metric FreeStorageSpace; Aurora grows by itself)");
    if (l->sizes.known)
        look_ok(l, "disk", "source",
                "the database has %s; repl adds a row of a few dozen bytes for each row that changes until "
                "it was "
                "brought over",
                str_bytes(have, sizeof have, (double)l->sizes.database));
    return true;
}
