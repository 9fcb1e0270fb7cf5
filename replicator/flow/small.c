/*
 * Small batches. What they cost is not their rows but that statements are parsed and planned, that a COPY IN takes a
 * round trip a table, and that a temporary table is emptied at each commit. So the rows of a small batch are read by
 * kept statements, and go as one literal a table, an array of rows of the stage's type, in the message of the merge
 * itself: very few are unnested where each statement wants them, more are put into the stage first.
 */
#include "small.h"

#include <stdlib.h>
#include <string.h>

#include "stages.h"

enum {
    MOST_BYTES = 1024 * 1024, /* of all rows of the batch, in memory */
    FEW_ROWS = 64,
    FEW_BYTES = 16 * 1024 /* which each statement of the merge may read anew */
};

bool small_is(const struct apply *ap)
{
    for (size_t i = 0; i < ap->ntables; i++)
        if (ap->tables[i].rows_of.definition == NULL)
            return false;
    return ap->fan == NULL && ap->ntables <= STAGES_KEPT && throttle_limit(ap->progress->throttle) == 0;
}

/* ---- one row: a field in quotes of the row, the row in quotes of the array, all in quotes of SQL ---- */

static void add_field(struct buf *b, const char *s)
{
    buf_puts(b, "\\\"");
    for (;;) {
        size_t plain = strcspn(s, "\\\"'");
        buf_add(b, s, plain);
        s += plain;
        if (*s == '\0')
            break;
        buf_puts(b, *s == '\'' ? "''" : *s == '"' ? "\\\\\\\"" : "\\\\\\\\");
        s++;
    }
    buf_puts(b, "\\\"");
}

static void add_row(struct buf *b, const struct result *r, int columns)
{
    buf_puts(b, b->len == 0 ? "'{\"(" : ",\"(");
    for (int i = 0; i < columns; i++) {
        if (i != 0)
            buf_puts(b, ",");
        if (!result_null(r, 0, i))
            add_field(b, result_text(r, 0, i));
    }
    buf_puts(b, ")\"");
}

/* ---- the source ---- */

static bool send_reads(struct conn *source, const struct apply *ap, struct arena *a, struct err *e)
{
    struct buf b = {0};
    const char **definitions = arena_alloc(a, ap->ntables * sizeof *definitions);
    buf_printf(&b, "%s; %s;", plan_lookups, search_path_sql(a, apply_read_path(ap)));
    for (size_t i = 0; i < ap->ntables; i++) {
        definitions[i] = ap->tables[i].rows_of.definition;
        buf_printf(&b, "%s;", ap->tables[i].rows_of.execute);
    }
    buf_puts(&b, ap->source_end_sql);
    bool ok = pg_keep(source, definitions, ap->ntables, e) && pg_send_for_rows(source, b.data, e);
    buf_free(&b);
    return ok;
}

struct taking {
    struct apply_table *table;
    struct buf literal;
    size_t *bytes;
};

static bool take_row(void *arg, const struct result *r, struct err *e)
{
    struct taking *t = arg;
    size_t before = t->literal.len;
    add_row(&t->literal, r, result_columns(r));
    *t->bytes += t->literal.len - before;
    t->table->bytes += (int64_t)(t->literal.len - before);
    t->table->rows++;
    t->table->gone += !result_bool(r, 0, 0);
    return (*t->bytes <= MOST_BYTES && t->table->rows <= APPLY_FEW_ROWS) ||
           err_set(e, ERR_STOPPED, "given up, to be begun again as a stream");
}

static bool take_table(struct conn *source, struct apply *ap, struct apply_table *t, size_t *bytes,
                       struct arena *a, struct err *e)
{
    struct taking taking = {.table = t, .bytes = bytes};
    t->rows = t->gone = t->bytes = 0;
    bool ok = pg_rows(source, take_row, &taking, e);
    if (ok) {
        if (t->rows != 0)
            buf_puts(&taking.literal, "}'");
        t->values = arena_strdup(a, buf_text(&taking.literal));
    } else {
        ap->too_wide = *bytes > MOST_BYTES || t->rows > APPLY_FEW_ROWS;
        err_relation(e, t->source);
    }
    buf_free(&taking.literal);
    return ok;
}

static bool take_tables(struct conn *source, struct apply *ap, struct arena *a, struct err *e)
{
    size_t bytes = 0, rows = 0;
    for (size_t i = 0; i < ap->ntables; i++) {
        if (!take_table(source, ap, &ap->tables[i], &bytes, a, e))
            return false;
        rows += (size_t)ap->tables[i].rows;
    }
    atomic_fetch_add(&ap->progress->rows, rows);
    atomic_fetch_add(&ap->progress->bytes, bytes);
    return true;
}

bool small_read(struct conn *source, struct apply *ap, struct arena *a, struct err *e)
{
    return send_reads(source, ap, a, e) && pg_rows(source, NULL, NULL, e) && pg_rows(source, NULL, NULL, e) &&
           take_tables(source, ap, a, e);
}

/* ---- the target ---- */

void small_add(struct script *s, struct arena *a, struct apply_table *t)
{
    if (t->rows <= FEW_ROWS && strlen(t->values) <= FEW_BYTES)
        return;
    const struct kept fill = pg_kept(
        a,
        arena_printf(a, "(%s[]) AS INSERT INTO %s SELECT * FROM pg_catalog.unnest($1)", t->stage, t->stage),
        t->values);
    script_add_kept(s, STEP_OTHER, t, &fill);
    t->values = NULL;
}
