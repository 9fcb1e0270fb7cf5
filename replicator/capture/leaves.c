/* Leaves of partitioned tables that come and go while capture is installed. PostgreSQL clones row triggers to a new one;
 * what is left to do is the trigger for TRUNCATE, and the rows that it held when it was attached. */
#include <stdlib.h>
#include <string.h>

#include "install.h"
#include "names.h"
#include "repl/embedded.h"

/* Rows are recorded in pieces of so many blocks, a transaction each. */
enum { PIECE_BLOCKS = 16384, TID_RANGES_SINCE = 140000 };

bool capture_leaves_changed(struct conn *db, const struct capture *c, struct arena *a, struct leaf **out,
                            size_t *count, struct err *e)
{
    struct result *r;
    bool ok = pg_query_filled(db, sql_capture_leaves_changed,
                              (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}}, &r, e);
    if (!ok)
        return false;
    *count = (size_t)result_rows(r);
    *out = arena_alloc(a, (*count + 1) * sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (struct leaf){
            .relation = (int)result_int(r, (int)i, 0),
            .oid = (uint32_t)result_int(r, (int)i, 1),
            .sql = arena_strdup(a, result_text(r, (int)i, 2)),
            .schema = arena_strdup(a, result_text(r, (int)i, 3)),
            .name = arena_strdup(a, result_text(r, (int)i, 4)),
            .attached = result_null(r, (int)i, 5) ? NULL : arena_strdup(a, result_text(r, (int)i, 5)),
            .exists = result_bool(r, (int)i, 6),
        };
    result_free(r);
    return true;
}

bool capture_has_leaf(struct conn *db, const struct relation *root, const char *leaf, bool *found,
                      struct err *e)
{
    struct result *r;
    bool ok = pg_query_filled(db, sql_capture_leaves,
                              (const struct sql_var[]){{"table", root->sql}, {NULL, NULL}}, &r, e);
    *found = false;
    if (!ok)
        return false;
    for (int i = 0; i < result_rows(r); i++)
        *found = *found || strcmp(result_text(r, i, 0), leaf) == 0;
    result_free(r);
    return true;
}

static bool has_trigger(struct conn *db, const char *leaf, const char *trigger, bool *there, struct err *e)
{
    struct result *r;
    const char *const params[] = {leaf, trigger};
    if (!pg_query(db,
                  "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger g"
                  " WHERE g.tgrelid = $1::pg_catalog.regclass"
                  " AND '\"' || pg_catalog.replace(g.tgname, '\"', '\"\"') || '\"' = $2)",
                  2, params, &r, e))
        return false;
    *there = result_bool(r, 0, 0);
    result_free(r);
    return true;
}

/* DROP TRIGGER wants a lock that readers feel, too: only where there is one to drop. */
static bool change_trigger(struct conn *db, const struct capture *c, const struct relation *root,
                           const char *leaf, bool make, unsigned lock_timeout_ms, struct err *e)
{
    struct arena *a = arena_new();
    struct buf b = {0};
    const char *trigger = leaf_trigger_name(a, c, root);
    bool there, ok = has_trigger(db, leaf, trigger, &there, e);
    if (ok && (there || make)) {
        buf_puts(&b, "BEGIN;\n");
        claim_table(a, &b, arena_printf(a, "ONLY %s", leaf),
                    there ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE", lock_timeout_ms);
        if (there)
            buf_printf(&b, "DROP TRIGGER %s ON %s;\n", trigger, leaf);
        if (make)
            leaf_trigger_sql(a, c, root, leaf, &b);
        buf_puts(&b, "COMMIT;");
        ok = pg_exec(db, b.data, e);
        if (!ok)
            pg_reset(db);
        buf_free(&b);
    }
    arena_free(a);
    return ok;
}

bool capture_watch_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                        const struct leaf *leaf, unsigned lock_timeout_ms, struct err *e)
{
    return change_trigger(db, c, root, leaf->sql, true, lock_timeout_ms, e);
}

/* Records the keys of the rows that rest names; where there is no statement for that, that they were missed. In one
 * transaction with the bell. */
static bool record(struct conn *db, const struct capture *c, const struct relation *root, const char *rest,
                   struct arena *a, struct err *e)
{
    char *sql = NULL;
    const char *const params[] = {arena_printf(a, "%d", root->id), rest};
    bool ok =
        pg_value_or_null(
            db,
            arena_printf(a,
                         "SELECT %s(r.id, r.relid, r.key_numbers, r.key_types, '', $2) FROM %s r "
                         "WHERE r.id = $1",
                         name_of(a, c, "insertion"), name_of(a, c, "relation")),
            2, params, &sql, e) &&
        pg_exec(db,
                arena_printf(a, "%s; %s; %s", search_path_sql(a, c->search_path),
                             sql != NULL ? sql
                                         : arena_printf(a, "SELECT %s(%d)", name_of(a, c, "miss"), root->id),
                             ring_sql(a, c, root)),
                e);
    free(sql);
    return ok;
}

static bool count_blocks(struct conn *db, const struct leaf *leaf, int64_t *out, struct err *e)
{
    char *value = NULL;
    const char *const params[] = {leaf->sql};
    bool ok = pg_value(db,
                       "SELECT pg_catalog.pg_relation_size($1::pg_catalog.regclass)"
                       " / pg_catalog.current_setting('block_size')::bigint",
                       1, params, &value, e);
    *out = ok ? atoll(value) : 0;
    free(value);
    return ok;
}

/* The error is the root's; the text names the leaf. */
static bool of_leaf(struct err *e, const struct relation *root, const struct leaf *leaf)
{
    err_table(e, leaf->schema, leaf->name);
    return err_relation(e, root);
}

bool capture_record_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                         const struct leaf *leaf, struct err *e)
{
    int64_t blocks;
    if (!count_blocks(db, leaf, &blocks, e))
        return of_leaf(e, root, leaf);
    bool whole = root->nkey == 0 || conn_server_version(db) < TID_RANGES_SINCE, ok = true;
    for (int64_t at = 0; ok && at < blocks; at = whole ? blocks : at + PIECE_BLOCKS) {
        struct arena *a = arena_new();
        struct buf rest = {0};
        buf_printf(&rest, " FROM ONLY %s", leaf->sql);
        if (!whole)
            buf_printf(&rest, " WHERE ctid >= '(%lld,0)'", (long long)at);
        if (!whole && at + PIECE_BLOCKS < blocks) /* the last piece has no end: the leaf may have grown */
            buf_printf(&rest, " AND ctid < '(%lld,0)'", (long long)at + PIECE_BLOCKS);
        if (root->nkey == 0)
            buf_puts(&rest, " LIMIT 1");
        ok = record(db, c, root, rest.data, a, e) || of_leaf(e, root, leaf);
        buf_free(&rest);
        arena_free(a);
    }
    return ok;
}

bool capture_note_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                       const struct leaf *leaf, struct err *e)
{
    struct arena *a = arena_new();
    bool ok = pg_exec(db, leaf_note_sql(a, c, root, leaf->sql, leaf->attached), e);
    arena_free(a);
    return ok;
}

bool capture_leaf_is_gone(struct conn *db, const struct capture *c, const struct leaf *leaf, struct err *e)
{
    struct arena *a = arena_new();
    bool ok =
        pg_exec(db,
                arena_printf(a, "UPDATE %s SET gone = true WHERE relation = %d AND leafid = %u AND NOT gone",
                             name_of(a, c, "leaf"), leaf->relation, leaf->oid),
                e);
    arena_free(a);
    return ok;
}

bool capture_forget_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                         const struct leaf *leaf, unsigned lock_timeout_ms, struct err *e)
{
    if (leaf->exists && !change_trigger(db, c, root, leaf->sql, false, lock_timeout_ms, e))
        return false;
    struct arena *a = arena_new();
    bool ok = pg_exec(db,
                      arena_printf(a, "DELETE FROM %s WHERE relation = %d AND leafid = %u",
                                   name_of(a, c, "leaf"), leaf->relation, leaf->oid),
                      e);
    arena_free(a);
    return ok;
}

char *capture_keys_in_sql(struct arena *a, const struct capture *c, const struct relation *r)
{
    const char *keys = list_keys(a, r, "");
    return arena_printf(a, "COPY %s (xid%s) FROM STDIN", name_delta(a, c, r->id, 'a'), keys);
}
