#include "names.h"

#include "repl/embedded.h"

char *name_of(struct arena *a, const struct capture *c, const char *name)
{
    return sql_qualified(a, c->schema, name);
}

char *name_delta(struct arena *a, const struct capture *c, int id, char side)
{
    return name_of(a, c, arena_printf(a, "d%d_%c", id, side));
}

static char *bell(struct arena *a, int id)
{
    enum { TABLES_A_BELL = 8 };
    return arena_printf(a, "bell_%d", (id - 1) / TABLES_A_BELL);
}

char *name_bell(struct arena *a, const struct capture *c, int id)
{
    return name_of(a, c, bell(a, id));
}

char *names_of_table(struct arena *a, int id)
{
    static const char *const kinds[] = {"a", "b", "changed", "updated", "old", "truncate", "truncate_leaf"};
    struct buf b = {0};
    buf_printf(&b, "{%s", bell(a, id));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        buf_printf(&b, ",d%d_%s", id, kinds[i]);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

char *ring_sql(struct arena *a, const struct capture *c, const struct relation *r)
{
    const struct sql_var vars[] = {
        {"schema", c->schema}, {"bell", name_bell(a, c, r->id)}, {"channel", c->schema}, {NULL, NULL}};
    return sql_filled(a, sql_capture_ring, vars);
}

char *list_keys(struct arena *a, const struct relation *r, const char *prefix)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++)
        buf_printf(&b, ", %sk%zu", prefix, k + 1);
    return buf_take(a, &b);
}

char *capture_key_text(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? "," : "");
        sql_ident(&b, relation_key(r, k)->name);
    }
    return buf_take(a, &b);
}

char *list_columns(struct arena *a, const struct relation *r, const char *prefix)
{
    struct buf b = {0};
    for (size_t i = 0; i < r->ncolumns; i++) {
        if (r->columns[i].generated)
            continue;
        buf_printf(&b, "%s%s", b.len != 0 ? ", " : "", prefix);
        sql_ident(&b, r->columns[i].name);
    }
    return buf_take(a, &b);
}

char *join_keys(struct arena *a, const struct relation *r)
{
    return key_join_sql(a, r, r, "d.", "t.");
}

char *list_ids(struct arena *a, const struct ids *l)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(&b, "%s%d", i != 0 ? "," : "", l->items[i]);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

const char *watched(struct arena *a, const struct awake *w)
{
    return w->all ? NULL : list_ids(a, &w->ids);
}

const char *positions_of(const struct positions *p, int id)
{
    for (size_t i = 0; i < p->nown; i++)
        if (p->own[i].id == id)
            return p->own[i].snapshot;
    return p->snapshot;
}

char *own_ids(struct arena *a, const struct positions *p)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < p->nown; i++)
        buf_printf(&b, "%s%d", i != 0 ? "," : "", p->own[i].id);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

char *own_positions(struct arena *a, const struct positions *p)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < p->nown; i++)
        buf_printf(&b, "%s\"%s\"", i != 0 ? "," : "", p->own[i].snapshot);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}
