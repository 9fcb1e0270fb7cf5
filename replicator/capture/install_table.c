/* The capture of one table: delta tables, functions, triggers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install.h"
#include "key_sql.h"
#include "names.h"
#include "repl/embedded.h"
#include "repl/hash.h"

/* All that the texts of one table need. */
struct table_names {
    struct arena *a;
    const struct capture *c;
    const struct relation *r;
    const char *delta_a, *delta_b, *side, *bell;
    const char *changed, *updated, *old, *truncate, *leaf; /* functions */
};

static struct table_names make_names(struct arena *a, const struct capture *c, const struct relation *r)
{
    return (struct table_names){
        .a = a,
        .c = c,
        .r = r,
        .delta_a = name_delta(a, c, r->id, 'a'),
        .delta_b = name_delta(a, c, r->id, 'b'),
        .side = name_of(a, c, "side"),
        .bell = name_bell(a, c, r->id),
        .changed = name_of(a, c, arena_printf(a, "d%d_changed", r->id)),
        .updated = name_of(a, c, arena_printf(a, "d%d_updated", r->id)),
        .old = name_of(a, c, arena_printf(a, "d%d_old", r->id)),
        .truncate = name_of(a, c, arena_printf(a, "d%d_truncate", r->id)),
        .leaf = name_of(a, c, arena_printf(a, "d%d_truncate_leaf", r->id)),
    };
}

/* "repl_insert": named after the schema, so that two syncs do not meet; "repl_row_insert" by row, so that a captured table
 * can become a partition of another. A schema whose name leaves no room for that is cut short, and told from others by a
 * hash. */
static char *trigger_name(const struct table_names *n, const char *what)
{
    enum { LONGEST = 63, ROOM = sizeof "_row_truncate" - 1, HASH = sizeof "_12345678" - 1 };
    struct buf b = {0};
    const char *schema = n->c->schema;
    bool by_row = relation_trigger_kind(n->r) == TRIGGER_ROW;
    size_t len = strlen(schema);
    if (len + ROOM > LONGEST) {
        len = LONGEST - ROOM - HASH;
        while ((schema[len] & 0xc0) == 0x80) /* not within a character of UTF-8 */
            len--;
        schema = arena_printf(n->a, "%.*s_%08x", (int)len, schema, (unsigned)hash64_str(schema));
    }
    sql_ident(&b, arena_printf(n->a, "%s%s_%s", schema, by_row ? "_row" : "", what));
    return buf_take(n->a, &b);
}

static void add_filled(struct buf *b, const char *text, const struct sql_var *vars)
{
    char *sql = sql_fill(text, vars);
    buf_puts(b, sql);
    buf_puts(b, "\n");
    free(sql);
}

/* ---- objects of the schema ---- */

/* row: what names the row that was changed, in front of its columns. */
static void add_function(struct buf *b, const struct table_names *n, const char *name, const char *body_text,
                         const char *row)
{
    const char *only = n->r->nkey == 0 ? "LIMIT 1" : "";
    assert(n->c->role[0] != '\0' && n->c->sync_id[0] != '\0');
    bool by_row = relation_trigger_kind(n->r) == TRIGGER_ROW;
    const struct sql_var body_vars[] = {
        {"schema", n->c->schema},
        {"side", n->side},
        {"bell", n->bell},
        {"channel", n->c->schema},
        {"delta_a", n->delta_a},
        {"delta_b", n->delta_b},
        {"truncation_a", name_of(n->a, n->c, "truncation_a")},
        {"truncation_b", name_of(n->a, n->c, "truncation_b")},
        {"id", arena_printf(n->a, "%d", n->r->id)},
        {"keys", key_names(n->a, n->r, arena_printf(n->a, "%s.", row))},
        {"old_keys", key_names(n->a, n->r, by_row ? "OLD." : "w.")},
        {"same", by_row ? key_same(n->a, n->r, "OLD.", "NEW.") : key_same(n->a, n->r, "w.", "c.")},
        {"same_all", key_same_all(n->a, n->r, hash64_str(n->c->sync_id))},
        {"row", row},
        {"from", arena_printf(n->a, " FROM changed c %s", only)},
        {"only", only},
        {"relation", arena_printf(n->a, "%u", n->r->oid)},
        {"numbers", key_numbers(n->a, n->r)},
        {"types", key_types(n->a, n->r)},
        {"names", key_names(n->a, n->r, "")},
        {"role", n->c->role},
        {"sync_id", n->c->sync_id},
        {NULL, NULL},
    };
    char *body = sql_fill(body_text, body_vars);
    const struct sql_var vars[] = {{"function", name}, {"body", body}, {NULL, NULL}};
    add_filled(b, sql_capture_function, vars);
    free(body);
}

static void add_functions(struct buf *b, const struct table_names *n)
{
    bool by_row = relation_trigger_kind(n->r) == TRIGGER_ROW;
    add_function(b, n, n->changed, by_row ? sql_capture_body_row : sql_capture_body_changed,
                 by_row ? "NEW" : "c");
    if (n->r->nkey != 0)
        add_function(b, n, n->updated, by_row ? sql_capture_body_row_updated : sql_capture_body_updated,
                     by_row ? "NEW" : "c");
    if (by_row)
        add_function(b, n, n->old, sql_capture_body_row, "OLD");
    add_function(b, n, n->truncate, sql_capture_body_truncate, "");
    if (n->r->partitioned) {
        add_function(b, n, n->leaf, sql_capture_body_truncate_leaf, "");
        add_filled(b, sql_capture_function_row_security,
                   (const struct sql_var[]){{"function", n->leaf}, {NULL, NULL}});
    }
}

static void add_objects(struct buf *b, const struct table_names *n)
{
    const struct sql_var vars[] = {
        {"schema", n->c->schema},
        {"id", arena_printf(n->a, "%d", n->r->id)},
        {"delta_a", n->delta_a},
        {"delta_b", n->delta_b},
        {"bell", n->bell},
        {"columns", key_definitions(n->a, n->r)},
        {"label", arena_printf(n->a, "changed keys of %s", n->r->label)},
        {"names", names_of_table(n->a, n->r->id)},
        {NULL, NULL},
    };
    add_filled(b, sql_capture_delta, vars);
    add_functions(b, n);
    add_filled(b, sql_capture_delta_kept_out, vars);
}

static void drop_unfinished(struct buf *b, const struct table_names *n)
{
    const struct sql_var inner[] = {{"schema", n->c->schema},
                                    {"id", arena_printf(n->a, "%d", n->r->id)},
                                    {"delta_a", n->delta_a},
                                    {"delta_b", n->delta_b},
                                    {NULL, NULL}};
    char *body = sql_fill(sql_capture_unfinished_body, inner);
    const struct sql_var outer[] = {{"body", body}, {NULL, NULL}};
    add_filled(b, sql_capture_unfinished, outer);
    free(body);
}

static bool run(struct conn *db, struct buf *b, struct err *e)
{
    bool ok = pg_exec(db, b->data, e);
    if (!ok)
        pg_reset(db);
    buf_free(b);
    return ok;
}

/* ---- triggers ---- */

static void add_truncate(struct buf *b, const struct table_names *n, const char *table, const char *timing,
                         const char *function)
{
    const struct sql_var vars[] = {
        {"truncate", trigger_name(n, "truncate")}, {"table", table}, {"timing", timing},
        {"function_truncate", function},           {NULL, NULL},
    };
    add_filled(b, sql_capture_trigger_truncate, vars);
}

/* A TRUNCATE of a leaf fires the leaf's own triggers alone, and those are not cloned. */
static bool add_leaves(struct conn *db, struct buf *b, const struct table_names *n, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"table", n->r->sql}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_capture_leaves, vars, &r, e);
    if (!ok)
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        add_truncate(b, n, result_text(r, i, 0), "BEFORE", n->leaf);
        buf_puts(b, leaf_note_sql(n->a, n->c, n->r, result_text(r, i, 0), ""));
    }
    result_free(r);
    return true;
}

static bool triggers_sql(struct conn *db, const struct table_names *n, struct buf *b, struct err *e)
{
    const struct sql_var vars[] = {
        {"table", n->r->sql},
        {"insert", trigger_name(n, "insert")},
        {"update", trigger_name(n, "update")},
        {"delete", trigger_name(n, "delete")},
        {"was", n->r->nkey != 0 ? "OLD TABLE AS was" : ""},
        {"function_changed", n->changed},
        {"function_updated", n->r->nkey != 0 ? n->updated : n->changed},
        {"function_old", n->old},
        {NULL, NULL},
    };
    bool by_row = relation_trigger_kind(n->r) == TRIGGER_ROW;
    add_filled(b, by_row ? sql_capture_triggers_row : sql_capture_triggers_statement, vars);
    add_truncate(b, n, n->r->sql, "AFTER", n->truncate);
    buf_printf(b, "UPDATE %s SET triggers = %s(relid) WHERE id = %d;\n", name_of(n->a, n->c, "relation"),
               name_of(n->a, n->c, "triggers_now"), n->r->id);
    return !n->r->partitioned || add_leaves(db, b, n, e);
}

void claim_table(struct arena *a, struct buf *b, const char *table, const char *mode,
                 unsigned lock_timeout_ms)
{
    const struct sql_var vars[] = {{"table", table},
                                   {"mode", mode},
                                   {"lock_timeout", arena_printf(a, "%u", lock_timeout_ms)},
                                   {NULL, NULL}};
    add_filled(b, sql_capture_claim, vars);
}

static void add_begin(struct buf *b, const struct table_names *n, unsigned lock_timeout_ms, const char *mode)
{
    buf_puts(b, "BEGIN;\n");
    claim_table(n->a, b, arena_printf(n->a, "%s%s", n->r->partitioned ? "" : "ONLY ", n->r->sql), mode,
                lock_timeout_ms);
}

/* Where a fence is up it is in front of these functions too, from their first write on. */
static void extend_fence(struct buf *b, const struct table_names *n)
{
    buf_printf(b, "SELECT %s('{d%d_changed,d%d_updated,d%d_old,d%d_truncate,d%d_truncate_leaf}');",
               name_of(n->a, n->c, "extend_fence"), n->r->id, n->r->id, n->r->id, n->r->id, n->r->id);
}

/* Two transactions in one message, since round trips are what thousands of tables wait for: the objects, which nobody
 * can wait for and which stay where the lock does not come; the triggers, under the lock. */
static bool make_capture(struct conn *db, const struct table_names *n,
                         const struct capture_install_options *o, struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, "BEGIN;\n");
    drop_unfinished(&b, n);
    add_objects(&b, n);
    buf_puts(&b, "COMMIT; ");
    add_begin(&b, n, o->lock_timeout_ms, "SHARE ROW EXCLUSIVE");
    if (!triggers_sql(db, n, &b, e)) {
        buf_free(&b);
        return false;
    }
    extend_fence(&b, n);
    buf_printf(&b, "UPDATE %s SET installed_at = pg_catalog.clock_timestamp() WHERE id = %d;",
               name_of(n->a, n->c, "relation"), n->r->id);
    /* Whom a look asks is known by those who were captured when it was found out. */
    buf_puts(&b, "SELECT pg_catalog.nextval(");
    sql_literal(&b, name_of(n->a, n->c, "woken"));
    buf_puts(&b, "); COMMIT;");
    return run(db, &b, e);
}

static char *register_sql(struct arena *a, const struct capture *c, const struct relation *r)
{
    const struct sql_var vars[] = {{"schema", c->schema},           {"oid", arena_printf(a, "%u", r->oid)},
                                   {"nspname", r->schema},          {"relname", r->name},
                                   {"key", capture_key_text(a, r)}, {"numbers", key_numbers(a, r)},
                                   {"types", key_types(a, r)},      {NULL, NULL}};
    char *sql = sql_fill(sql_capture_register, vars);
    char *kept = arena_strdup(a, sql);
    free(sql);
    return kept;
}

bool give_ids(struct conn *db, const struct capture *c, const struct relations *l, int *ids, struct err *e)
{
    struct arena *a = arena_new();
    struct buf b = {0};
    enum pg_event event = PG_RESULT;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].id == 0)
            buf_printf(&b, "%s;\n", register_sql(a, c, &l->items[i]));
    bool ok = pg_send(db, buf_text(&b), e);
    for (size_t i = 0; ok && i < l->count; i++) {
        struct result *r = NULL;
        if (l->items[i].id != 0)
            continue;
        ok = pg_next(db, &event, &r, e);
        if (ok)
            ids[i] = (int)result_int(r, 0, 0);
        result_free(r);
    }
    while (ok && event != PG_END) {
        struct result *r = NULL;
        ok = pg_next(db, &event, &r, e);
        result_free(r);
    }
    buf_free(&b);
    arena_free(a);
    return ok;
}

bool install_table(struct conn *db, const struct capture *c, struct relation *r, int id,
                   const struct capture_install_options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct relation with_id = *r;
    with_id.id = id;
    struct table_names n = make_names(a, c, &with_id);
    bool ok = make_capture(db, &n, o, e);
    if (ok)
        r->id = id;
    arena_free(a);
    return ok;
}

bool capture_rename_key(struct conn *db, const struct capture *c, const struct relation *r, struct err *e)
{
    struct arena *a = arena_new();
    struct table_names n = make_names(a, c, r);
    struct buf b = {0};
    buf_puts(&b, "BEGIN;");
    add_functions(&b, &n);
    extend_fence(&b, &n);
    buf_printf(&b, "%s; COMMIT;", register_sql(a, c, r));
    bool ok = run(db, &b, e);
    arena_free(a);
    return ok;
}

/* A table whose key or triggers are to be renewed gets its functions with that. */
bool capture_take_role(struct conn *db, struct capture *c, const struct relations *l, struct err *e)
{
    bool ok = true, all = true;
    for (size_t i = 0; ok && c->other_role && i < l->count; i++) {
        const struct relation *r = &l->items[i];
        if (r->id == 0)
            continue;
        all = all && r->key_was == NULL && !r->capture_broken;
        if (r->key_was == NULL && !r->capture_broken)
            ok = capture_rename_key(db, c, r, e) || err_relation(e, r);
    }
    if (!ok || !c->other_role || !all)
        return ok;
    struct arena *a = arena_new();
    ok = pg_exec(db, arena_printf(a, "UPDATE %s SET role = session_user", name_of(a, c, "sync")), e);
    arena_free(a);
    c->other_role = !ok;
    return ok;
}

bool capture_renew_table(struct conn *db, const struct capture *c, const struct relation *r,
                         unsigned lock_timeout_ms, struct err *e)
{
    struct arena *a = arena_new();
    struct table_names n = make_names(a, c, r);
    const struct sql_var vars[] = {{"schema", c->schema},  {"id", arena_printf(a, "%d", r->id)},
                                   {"delta_a", n.delta_a}, {"delta_b", n.delta_b},
                                   {"changed", n.changed}, {"updated", n.updated},
                                   {"old", n.old},         {"truncate", n.truncate},
                                   {"leaf", n.leaf},       {NULL, NULL}};
    struct buf b = {0};
    add_begin(&b, &n, lock_timeout_ms, "ACCESS EXCLUSIVE");
    add_filled(&b, sql_capture_drop_table, vars);
    add_objects(&b, &n);
    bool ok = triggers_sql(db, &n, &b, e);
    extend_fence(&b, &n);
    buf_printf(&b, "%s; COMMIT;", register_sql(a, c, r));
    if (ok)
        ok = run(db, &b, e);
    else
        buf_free(&b);
    arena_free(a);
    return ok;
}

/* ---- leaves ---- */

char *leaf_note_sql(struct arena *a, const struct capture *c, const struct relation *root, const char *leaf,
                    const char *attached)
{
    const struct sql_var vars[] = {{"schema", c->schema},
                                   {"id", arena_printf(a, "%d", root->id)},
                                   {"root", arena_printf(a, "%u", root->oid)},
                                   {"leaf", leaf},
                                   {"attached", attached},
                                   {NULL, NULL}};
    char *sql = sql_fill(sql_capture_leaf_note, vars);
    char *kept = arena_strdup(a, sql);
    free(sql);
    return kept;
}

const char *leaf_trigger_name(struct arena *a, const struct capture *c, const struct relation *root)
{
    struct table_names n = make_names(a, c, root);
    return trigger_name(&n, "truncate");
}

void leaf_trigger_sql(struct arena *a, const struct capture *c, const struct relation *root, const char *leaf,
                      struct buf *b)
{
    struct table_names n = make_names(a, c, root);
    add_truncate(b, &n, leaf, "BEFORE", n.leaf);
}
