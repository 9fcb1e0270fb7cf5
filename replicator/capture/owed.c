/* What is owed. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "repl/embedded.h"

/* Whether who was asked is all who may owe something. */
static bool others_woke(const struct awake *w, int64_t woken)
{
    return !w->all && w->woken != woken;
}

bool capture_dirty(struct conn *db, const struct capture *c, const struct awake *w, int64_t written,
                   struct arena *a, int **ids, size_t *count, bool *woke, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"woken", name_of(a, c, "woken")},
                                   {"epoch", name_slot(a, c, "epoch")},
                                   {"written", name_slot(a, c, "written")},
                                   {"schema", c->schema},
                                   {"watched", "$1"},
                                   {NULL, NULL}};
    const char *definition = arena_printf(a, "(int[]) AS %s", sql_filled(a, sql_capture_dirty, vars));
    const char *const params[] = {watched(a, w)};
    if (!pg_kept_query(db, definition, 1, params, &r, e))
        return false;
    *woke = others_woke(w, result_int(r, 0, 0));
    *count = 0;
    *ids = arena_alloc(a, ((size_t)result_rows(r) + 1) * sizeof **ids);
    for (int i = 0; i < result_rows(r); i++)
        if (!result_null(r, i, 3))
            (*ids)[(*count)++] = (int)result_int(r, i, 3);
    bool ok = capture_is_as_left(c, result_int(r, 0, 1), result_int(r, 0, 2), written, e);
    result_free(r);
    return ok;
}

static void take_owed(const struct result *r, struct arena *a, struct owed_list *out)
{
    out->count = (size_t)result_rows(r);
    out->items = arena_alloc(a, (out->count + 1) * sizeof *out->items);
    for (size_t i = 0; i < out->count; i++) {
        out->items[i].id = (int)result_int(r, (int)i, 0);
        out->items[i].truncated = result_bool(r, (int)i, 1);
        out->items[i].rows = result_int(r, (int)i, 2);
    }
}

static bool altered(const struct relation *r, struct err *e)
{
    err_set(e, ERR_CONFLICT, "the table was altered since the catalogs were read");
    return err_relation(e, r);
}

/* Columns that came or changed since would be passed over without a word. */
static bool same_shapes(const struct result *r, const struct relation *const *tables, size_t n, struct err *e)
{
    for (int row = 0; row < result_rows(r); row++)
        for (size_t i = 0; i < n; i++)
            if (tables[i]->id == (int)result_int(r, row, 0) &&
                (tables[i]->shape == NULL || strcmp(tables[i]->shape, result_text(r, row, 3)) != 0))
                return altered(tables[i], e);
    return true;
}

static void drop_left_out(struct owed_list *l, const struct ids *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!ids_have(left_out, l->items[i].id))
            l->items[kept++] = l->items[i];
    l->count = kept;
}

/* The first result with rows is the snapshot, the one behind it the list. */
static bool take_results(struct conn *db, const struct capture *c, const struct relation *const *tables,
                         size_t ntables, const struct awake *w, int64_t written, struct arena *a,
                         struct owed_list *out, struct err *e)
{
    enum pg_event event = PG_RESULT;
    int taken = 0;
    bool same = true;
    while (event != PG_END) {
        struct result *r = NULL;
        if (!pg_next(db, &event, &r, e))
            return false;
        if (event == PG_RESULT && result_rows(r) > 0 && taken == 0) {
            out->snapshot = arena_strdup(a, result_text(r, 0, 0));
            out->woke = others_woke(w, result_int(r, 0, 1));
            same = capture_is_as_left(c, result_int(r, 0, 2), result_int(r, 0, 3), written, e);
            taken++;
        } else if (event == PG_RESULT && taken == 1) {
            take_owed(r, a, out);
            same = same && same_shapes(r, tables, ntables, e);
            taken++;
        }
        result_free(r);
    }
    return same;
}

static const char *lock_sql(struct arena *a, const struct relation *const *tables, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s%s", i == 0 ? "LOCK TABLE " : ", ", tables[i]->partitioned ? "" : "ONLY ",
                   tables[i]->sql);
    if (n != 0)
        buf_puts(&b, " IN ACCESS SHARE MODE;");
    return buf_take(a, &b);
}

static bool in_list(int id, const struct relation *const *tables, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tables[i]->id == id)
            return true;
    return false;
}

/* Prepares owed.sql, and gives the statement that runs it. */
static bool keep_owed(struct conn *db, const struct capture *c, const struct awake *w,
                      const struct positions *p, int64_t cap, struct arena *a, const char **execute,
                      struct err *e)
{
    const struct sql_var vars[] = {
        {"schema", c->schema}, {"position", "$1"}, {"own_ids", "$2"}, {"own_positions", "$3"},
        {"cap", "$4"},         {"watched", "$5"},  {NULL, NULL}};
    char *sql = sql_fill(sql_capture_owed, vars), name[PG_KEPT_NAME];
    const char *definition = arena_printf(a, "(text, int[], text[], bigint, int[]) AS %s", sql);
    struct buf b = {0};
    free(sql);
    pg_kept_name(definition, name);
    buf_printf(&b, "EXECUTE %s (", name);
    sql_literal(&b, p->snapshot);
    buf_puts(&b, ", ");
    sql_literal(&b, own_ids(a, p));
    buf_puts(&b, ", ");
    sql_literal(&b, own_positions(a, p));
    buf_printf(&b, ", %lld, ", (long long)cap);
    if (w->all)
        buf_puts(&b, "NULL");
    else
        sql_literal(&b, watched(a, w));
    buf_puts(&b, ")");
    *execute = buf_take(a, &b);
    return pg_keep(db, &definition, 1, e);
}

bool capture_begin(struct conn *db, const struct capture *c, const struct relation *const *tables,
                   size_t ntables, const struct awake *w, const struct positions *p, int64_t written,
                   const struct ids *left_out, int64_t cap, struct arena *a, struct owed_list *out,
                   bool *outside, struct err *e)
{
    const char *owed;
    if (!keep_owed(db, c, w, p, cap, a, &owed, e))
        return false;
    const struct sql_var vars[] = {{"lock", lock_sql(a, tables, ntables)},
                                   {"woken", name_of(a, c, "woken")},
                                   {"timeout", arena_printf(a, "%u", conn_bound_ms(db))},
                                   {"epoch", name_slot(a, c, "epoch")},
                                   {"written", name_slot(a, c, "written")},
                                   {NULL, NULL}};
    char *begin = sql_fill(sql_capture_begin, vars);
    /* What comes behind it in the transaction may be rows, which take as long as they take. */
    const char *sql = arena_printf(a, "%s%s; SET LOCAL statement_timeout = 0", begin, owed);
    free(begin);
    *outside = false;
    *out = (struct owed_list){0};
    bool ok = pg_send(db, sql, e) && take_results(db, c, tables, ntables, w, written, a, out, e);
    if (!ok) {
        pg_reset(db);
        return false;
    }
    drop_left_out(out, left_out);
    *outside = out->woke;
    for (size_t i = 0; i < out->count; i++)
        *outside = *outside || !in_list(out->items[i].id, tables, ntables);
    return !*outside || pg_exec(db, "ROLLBACK", e);
}

bool capture_backlog(struct conn *db, const struct capture *c, const struct positions *p, int64_t cap,
                     struct arena *a, struct owed_list *out, struct err *e)
{
    struct result *r;
    char *sql = arena_printf(a, "SELECT id, truncated, row_count FROM %s($1, $2, $3, $4, NULL)",
                             name_of(a, c, "owed"));
    const char *const params[] = {p->snapshot, own_ids(a, p), own_positions(a, p),
                                  arena_printf(a, "%lld", (long long)cap)};
    *out = (struct owed_list){.snapshot = ""};
    if (!pg_query(db, sql, 4, params, &r, e))
        return false;
    take_owed(r, a, out);
    result_free(r);
    return true;
}

bool capture_weigh(struct conn *db, const struct capture *c, struct owed_list *l, struct err *e)
{
    struct arena *a = arena_new();
    struct result *r = NULL;
    const char *sql = arena_printf(a,
                                   "SELECT id, pg_catalog.pg_relation_size(delta_a) + "
                                   "pg_catalog.pg_relation_size(delta_b) FROM %s "
                                   "WHERE installed_at IS NOT NULL",
                                   name_of(a, c, "relation"));
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    for (int row = 0; ok && row < result_rows(r); row++)
        for (size_t i = 0; i < l->count; i++)
            if (l->items[i].id == (int)result_int(r, row, 0))
                l->items[i].bytes = result_int(r, row, 1);
    result_free(r);
    arena_free(a);
    return ok;
}

bool capture_export(struct conn *db, struct arena *a, char **snapshot, struct err *e)
{
    char *id;
    /* It stands idle while others read, which may take longer than a session may otherwise. */
    if (!pg_exec(db, "SET LOCAL idle_in_transaction_session_timeout = '10min'", e) ||
        !pg_value(db, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL, &id, e))
        return false;
    *snapshot = arena_strdup(a, id);
    free(id);
    return true;
}

char *capture_join_sql(struct arena *a, const struct relation *const *tables, size_t n, const char *snapshot)
{
    struct buf b = {0};
    buf_puts(&b, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ");
    sql_literal(&b, snapshot);
    buf_printf(&b, "; %s", lock_sql(a, tables, n));
    return buf_take(a, &b);
}

bool capture_begin_pass(struct conn *db, const struct capture *c, int id, const char *position,
                        struct arena *a, struct pass_start *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema},
                                   {"id", arena_printf(a, "%d", id)},
                                   {"delta_a", name_delta(a, c, id, 'a')},
                                   {"delta_b", name_delta(a, c, id, 'b')},
                                   {"position", position},
                                   {NULL, NULL}};
    if (!pg_query_filled(db, sql_capture_pass_begin, vars, &r, e))
        return false;
    *out = (struct pass_start){arena_strdup(a, result_text(r, 0, 0)), result_int(r, 0, 1),
                               result_int(r, 0, 2), result_bool(r, 0, 3)};
    result_free(r);
    return true;
}

bool capture_begin_step(struct conn *db, const struct capture *c, const struct relation *table, struct err *e)
{
    struct arena *a = arena_new();
    char *shape = NULL;
    bool ok = pg_exec(db,
                      arena_printf(a, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; %s",
                                   lock_sql(a, &table, 1)),
                      e) &&
              pg_value_or_null(db, arena_printf(a, "SELECT %s(%u)", name_of(a, c, "shape"), table->oid), 0,
                               NULL, &shape, e);
    if (ok && (table->shape == NULL || shape == NULL || strcmp(shape, table->shape) != 0))
        ok = altered(table, e);
    free(shape);
    arena_free(a);
    if (!ok)
        pg_reset(db);
    return ok;
}
