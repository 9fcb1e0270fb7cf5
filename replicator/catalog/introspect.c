#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

static bool run(struct conn *c, const char *text, const struct sql_var *vars, struct result **out,
                struct err *e)
{
    return pg_query_filled(c, text, vars, out, e);
}

/* One round trip for both. */
static bool run_two(struct conn *c, const char *const texts[2], const struct sql_var *vars,
                    struct result *out[2], struct err *e)
{
    enum pg_event event = PG_RESULT;
    struct result *none = NULL;
    char *one = sql_fill(texts[0], vars), *two = sql_fill(texts[1], vars),
         *both = xasprintf("%s;%s", one, two);
    bool ok = pg_send(c, both, e) && pg_next(c, &event, &out[0], e) && pg_next(c, &event, &out[1], e) &&
              pg_next(c, &event, &none, e);
    free(one);
    free(two);
    free(both);
    return ok;
}

static bool read_tables(struct conn *c, const char *own_schema, struct arena *a, struct relations *out,
                        struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"own_schema", own_schema}, {NULL, NULL}};
    if (!run(c, sql_catalog_relations, vars, &r, e))
        return false;
    out->count = (size_t)result_rows(r);
    out->items = arena_alloc(a, out->count * sizeof *out->items);
    for (int i = 0; i < result_rows(r); i++) {
        struct relation *t = &out->items[i];
        t->oid = (uint32_t)result_int(r, i, 0);
        t->schema = arena_strdup(a, result_text(r, i, 1));
        t->name = arena_strdup(a, result_text(r, i, 2));
        t->label = arena_printf(a, "%s.%s", t->schema, t->name);
        t->sql = arena_strdup(a, result_text(r, i, 3));
        t->partitioned = result_bool(r, i, 4);
        t->inherited = result_bool(r, i, 5);
        t->unlogged = result_bool(r, i, 6);
        t->row_security = result_bool(r, i, 7);
        t->bytes = result_int(r, i, 8);
        t->rows_estimate = result_int(r, i, 9);
        t->row_bytes = result_null(r, i, 10) ? 0 : (double)result_int(r, i, 10);
        t->key_kind = KEY_NONE;
    }
    result_free(r);
    return true;
}

static char *oid_array(const struct relations *l)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(&b, "%s%u", i != 0 ? "," : "", l->items[i].oid);
    buf_puts(&b, "}");
    return b.data;
}

static int by_oid(const void *x, const void *y)
{
    const struct relation *a = *(struct relation *const *)x, *b = *(struct relation *const *)y;
    return (a->oid > b->oid) - (a->oid < b->oid);
}

/* The relations in the order of their oids: the order in which columns and keys come. */
static struct relation **sorted(const struct relations *l, struct arena *a)
{
    struct relation **s = arena_alloc(a, (l->count + 1) * sizeof(*s));
    for (size_t i = 0; i < l->count; i++)
        s[i] = &l->items[i];
    qsort(s, l->count, sizeof(*s), by_oid);
    return s;
}

/* The rows of one table are a run; gives the run's relation and its end. */
static struct relation *next_run(const struct result *r, int from, int *end, struct relation **s, size_t *at)
{
    uint32_t oid = (uint32_t)result_int(r, from, 0);
    *end = from;
    while (*end < result_rows(r) && (uint32_t)result_int(r, *end, 0) == oid)
        (*end)++;
    while (s[*at] != NULL && s[*at]->oid < oid)
        (*at)++;
    return s[*at] != NULL && s[*at]->oid == oid ? s[*at] : NULL;
}

static void fill_column(struct column *col, const struct result *r, int row, struct arena *a)
{
    col->number = (int)result_int(r, row, 1);
    col->name = arena_strdup(a, result_text(r, row, 2));
    col->type = arena_strdup(a, result_text(r, row, 3));
    col->base_type = arena_strdup(a, result_text(r, row, 4));
    col->is_domain = result_bool(r, row, 5);
    col->not_null = result_bool(r, row, 6);
    col->generated = result_bool(r, row, 7);
    col->identity_always = result_bool(r, row, 8);
    col->binary_safe = result_bool(r, row, 9);
    col->in_unique = result_bool(r, row, 10);
    col->has_default = result_bool(r, row, 11);
    col->type_oid = (uint32_t)result_int(r, row, 12);
    col->bare_type = arena_strdup(a, result_text(r, row, 13));
    col->default_sql = result_null(r, row, 14) ? NULL : arena_strdup(a, result_text(r, row, 14));
}

/* attnum -> index, since dropped columns leave holes. */
static size_t column_of(const struct result *columns, int run, size_t ncolumns, int64_t attnum)
{
    for (size_t i = 0; i < ncolumns; i++)
        if (result_int(columns, run + (int)i, 1) == attnum)
            return i;
    return 0;
}

/* ROW(a, b) >= ROW(x, y) takes one operator's name for all, and an index is walked in one direction: columns from the
 * first that differs are left out of ranges. */
static size_t same_order(const struct relation *t)
{
    size_t n = 1;
    while (n < t->nkey && strcmp(t->key[n].lt, t->key[0].lt) == 0 &&
           strcmp(t->key[n].ge, t->key[0].ge) == 0 && strcmp(t->key[n].order, t->key[0].order) == 0)
        n++;
    return n;
}

static void fill_keys(const struct result *keys, const struct result *columns, struct relation **s,
                      const int *column_run, struct arena *a)
{
    size_t at = 0;
    for (int row = 0, end; row < result_rows(keys); row = end) {
        struct relation *t = next_run(keys, row, &end, s, &at);
        if (t == NULL)
            continue;
        t->key_kind = result_bool(keys, row, 1) ? KEY_PRIMARY : KEY_UNIQUE;
        t->nkey = (size_t)(end - row);
        t->key = arena_alloc(a, t->nkey * sizeof *t->key);
        for (size_t k = 0; k < t->nkey; k++) {
            t->key[k].column =
                column_of(columns, column_run[at], t->ncolumns, result_int(keys, row + (int)k, 3));
            const char **const texts[] = {
                &t->key[k].as, &t->key[k].eq,    &t->key[k].lt,      &t->key[k].le,    &t->key[k].ge,
                &t->key[k].gt, &t->key[k].order, &t->key[k].collate, &t->key[k].folds, &t->key[k].hash};
            for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                *texts[i] = arena_strdup(a, result_text(keys, row + (int)k, 4 + (int)i));
        }
        t->nrange = same_order(t);
    }
}

bool catalog_read(struct conn *c, const char *own_schema, struct arena *a, struct relations *out,
                  struct err *e)
{
    static const char *const texts[] = {sql_catalog_columns, sql_catalog_keys};
    struct result *both[2] = {NULL, NULL};
    if (!read_tables(c, own_schema, a, out, e))
        return false;
    char *oids = oid_array(out);
    const struct sql_var vars[] = {{"oids", oids}, {NULL, NULL}};
    bool ok = run_two(c, texts, vars, both, e);
    const struct result *columns = both[0], *keys = both[1];
    if (ok) {
        struct relation **s = sorted(out, a);
        int *column_run = arena_alloc(a, (out->count + 1) * sizeof *column_run);
        size_t at = 0;
        for (int row = 0, end; row < result_rows(columns); row = end) {
            struct relation *t = next_run(columns, row, &end, s, &at);
            if (t == NULL)
                continue;
            column_run[at] = row;
            t->ncolumns = (size_t)(end - row);
            t->columns = arena_alloc(a, t->ncolumns * sizeof *t->columns);
            for (size_t i = 0; i < t->ncolumns; i++)
                fill_column(&t->columns[i], columns, row + (int)i, a);
        }
        fill_keys(keys, columns, s, column_run, a);
    }
    result_free(both[0]);
    result_free(both[1]);
    free(oids);
    return ok;
}

bool catalog_marks(struct conn *c, struct arena *a, const char **out, struct err *e)
{
    struct result *r;
    if (!run(c, sql_catalog_marks, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    *out = arena_strdup(a, result_text(r, 0, 0));
    result_free(r);
    return true;
}

bool catalog_outline(struct conn *c, const char *own_schema, struct arena *a, const char **out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"own_schema", own_schema}, {NULL, NULL}};
    if (!run(c, sql_catalog_outline, vars, &r, e))
        return false;
    *out = arena_strdup(a, result_text(r, 0, 0));
    result_free(r);
    return true;
}
