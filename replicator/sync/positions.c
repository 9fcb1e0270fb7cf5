/* Where the tables of a target stand: for capture, and for whoever asks whether their rows are this sync's. */
#include <stdlib.h>
#include <string.h>

#include "repl/sync.h"

/* Tables asked for rows in one statement. */
enum { ROWS_STEP = 200 };

struct positions target_positions(const struct target_state *t, struct arena *a)
{
    struct table_position *own = arena_alloc(a, (t->nrelations + 1) * sizeof *own);
    size_t n = 0;
    for (size_t i = 0; i < t->nrelations; i++) {
        const struct target_relation *r = &t->relations[i];
        if (!r->copied || r->snapshot != NULL)
            own[n++] = (struct table_position){.id = r->id, .snapshot = r->copied ? r->snapshot : ""};
    }
    return (struct positions){.snapshot = t->snapshot, .own = own, .nown = n};
}

const struct target_relation *target_relation_of(const struct target_state *state, const struct relation *r)
{
    if (r->id != 0) /* a name is only what it was called when it joined */
        return target_relation_by_id(state, r->id);
    for (size_t i = 0; i < state->nrelations; i++)
        if (state->relations[i].oid == 0 && strcmp(state->relations[i].name, r->name) == 0 &&
            strcmp(state->relations[i].schema, r->schema) == 0)
            return &state->relations[i];
    return NULL;
}

bool target_began(const struct target_state *state, const struct relation *r)
{
    const struct target_relation *t = target_relation_of(state, r);
    bool began = t != NULL && t->copied;
    for (size_t i = 0; t != NULL && !began && i < state->nchunks; i++)
        began = state->chunks[i].relation == t->id;
    return began;
}

static bool some_with_rows(struct conn *target, const char *search_path, const struct relation *const *tables,
                           size_t n, const struct relation **out, size_t *count, struct err *e)
{
    struct buf sql = {0};
    struct result *r;
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%sSELECT %zu WHERE EXISTS (SELECT FROM %s)", i != 0 ? " UNION ALL " : "", i,
                   tables[i]->sql);
    bool ok = search_path_query(target, search_path, sql.data, &r, e);
    buf_free(&sql);
    if (!ok)
        return err_context(e, "looking for rows on the target");
    for (int i = 0; i < result_rows(r); i++)
        out[(*count)++] = tables[result_int(r, i, 0)];
    result_free(r);
    return true;
}

bool tables_with_rows(struct conn *source, struct conn *target, const struct relation *const *tables,
                      size_t n, const struct relation **out, size_t *count, struct err *e)
{
    char *path = NULL;
    bool ok = n == 0 || catalog_search_path(source, &path, e);
    *count = 0;
    for (size_t i = 0; ok && i < n; i += ROWS_STEP)
        ok = some_with_rows(target, path, tables + i, n - i < ROWS_STEP ? n - i : ROWS_STEP, out, count, e);
    free(path);
    return ok;
}
