/* Which tables of a batch are read and staged by several workers, and in how many parts. */
#include "jobs.h"

/* A row of this size is worth what the setting calls a row; larger ones more. */
enum { ROW_BYTES = 200 };

/* How many workers its rows are worth. A table without key comes whole, whatever is owed. */
static double weight(const struct task *t, const struct apply_table *table)
{
    const struct relation *r = table->source;
    double rows = r->nkey != 0 ? (double)table->owed : (double)r->rows_estimate;
    double wide = widths_of(t->widths, r) / ROW_BYTES;
    return rows * (wide > 1 ? wide : 1) / (double)t->settings->fan_out_rows;
}

static void cut(const struct task *t, struct apply_table *table, const char *snapshot,
                const struct delta_range *range, size_t parts)
{
    struct delta_range part = range != NULL ? *range : (struct delta_range){0};
    table->slices = arena_alloc(t->mem, parts * sizeof *table->slices);
    for (size_t i = 0; i < parts; i++) {
        part.slices = (int)parts;
        part.slice = (int)i;
        table->slices[i] = capture_batch_sql(t->mem, &t->world->capture, table->source, snapshot, &part);
    }
    table->nslices = parts;
}

static double weigh(const struct task *t, const struct apply_table *tables, size_t n)
{
    double all = 0;
    for (size_t i = 0; i < n; i++)
        all += weight(t, &tables[i]);
    return all;
}

bool fan_is_worth(const struct task *t, const struct apply_table *tables, size_t n)
{
    return weigh(t, tables, n) >= 2;
}

size_t fan_cut(const struct task *t, struct apply_table *tables, size_t n, const char *const *snapshots,
               const struct delta_range *range)
{
    const double least = 0.25; /* what is less is not worth a table of its own */
    size_t parts = 0;
    bool worth = t->jobs > 1 && fan_is_worth(t, tables, n);
    for (size_t i = 0; i < n && worth; i++) {
        double w = weight(t, &tables[i]);
        bool whole = tables[i].source->nkey == 0 || !capture_can_slice(tables[i].source);
        size_t most = whole ? 1 : (size_t)t->jobs;
        if (w < least || !relation_fits_stage(tables[i].source)) /* whose stage is this session's own */
            continue;
        cut(t, &tables[i], snapshots[i], range, w < (double)most ? (size_t)w + 1 : most);
        parts += tables[i].nslices;
    }
    return parts;
}

bool fan_open(const struct task *t, struct worker *w, struct conn *source, const struct apply_table *tables,
              size_t n, struct apply_fan *out, struct err *e)
{
    const struct relation **locked = arena_alloc(t->mem, n * sizeof *locked);
    size_t nlocked = 0;
    char *snapshot;
    for (size_t i = 0; i < n; i++)
        if (tables[i].nslices != 0)
            locked[nlocked++] = tables[i].source;
    if (!capture_export(source, t->mem, &snapshot, e))
        return false;
    *out = (struct apply_fan){
        .worker = w,
        .helpers = (size_t)t->jobs - 1,
        .join_sql = capture_join_sql(t->mem, locked, nlocked, snapshot),
        .leave_sql = "COMMIT",
    };
    return true;
}
