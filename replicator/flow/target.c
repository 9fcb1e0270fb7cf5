/* repl's tables on the target, the truth about what was applied: making them, and what is written there. target_read.c
 * reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/version.h"
#include "target_private.h"

bool target_exec(struct conn *db, const char *text, const struct sql_var *vars, struct err *e)
{
    bool ok = pg_exec_filled(db, text, vars, e);
    if (!ok)
        pg_reset(db);
    return ok;
}

char *target_schema_sql(const struct sql_var *vars, const char *schema)
{
    char *made = sql_fill(sql_target_schema, vars), *keep_out = catalog_keep_out_sql(schema),
         *sql = xasprintf("%s%s", made, keep_out);
    free(made);
    free(keep_out);
    return sql;
}

bool target_install(struct conn *db, const char *schema, const char *sync_id, const char *target_id,
                    struct err *e)
{
    struct installation in;
    char version[16];
    if (!catalog_installation(db, schema, &in, e))
        return false;
    if (in.kind == INSTALLED_TARGET)
        return installation_usable(&in, db, schema, e);
    if (in.kind != INSTALLED_NOTHING) {
        err_set(e, ERR_CONFIG, "the target has a schema %s that is not this sync's", schema);
        return err_hint(
            e, "choose another name: --schema NAME; where it came with a restored fork: repl cleanup");
    }
    snprintf(version, sizeof version, "%d", REPL_SCHEMA_VERSION);
    const struct sql_var vars[] = {{"schema", schema},
                                   {"sync_id", sync_id},
                                   {"version", version},
                                   {"target_id", target_id},
                                   {NULL, NULL}};
    char *sql = target_schema_sql(vars, schema);
    bool ok = target_exec(db, sql, vars, e);
    free(sql);
    return ok;
}

static char *quoted(const char *schema)
{
    struct buf b = {0};
    sql_ident(&b, schema);
    return b.data;
}

bool target_add_relations(struct conn *db, const char *schema, const struct relations *l, struct err *e)
{
    struct buf b = {0};
    char *s = quoted(schema);
    for (size_t i = 0; i < l->count; i++) {
        buf_printf(&b, "%s%d, ", i != 0 ? "), (" : "(", l->items[i].id);
        sql_literal(&b, l->items[i].schema);
        buf_puts(&b, ", ");
        sql_literal(&b, l->items[i].name);
    }
    char *sql =
        xasprintf("INSERT INTO %s.relation (id, nspname, relname) VALUES %s) ON CONFLICT (id) DO NOTHING", s,
                  buf_text(&b));
    bool ok = l->count == 0 || pg_exec(db, sql, e);
    free(sql);
    free(s);
    buf_free(&b);
    return ok;
}

bool target_know(struct conn *db, const char *schema, const struct relation *targets, size_t n, struct err *e)
{
    struct buf ids = {0}, oids = {0};
    for (size_t i = 0; i < n; i++) {
        buf_printf(&ids, "%s%d", i != 0 ? "," : "{", targets[i].id);
        buf_printf(&oids, "%s%u", i != 0 ? "," : "{", targets[i].oid);
    }
    buf_puts(&ids, "}");
    buf_puts(&oids, "}");
    const struct sql_var vars[] = {{"schema", schema}, {"ids", ids.data}, {"oids", oids.data}, {NULL, NULL}};
    char *sql = sql_fill(sql_target_know, vars);
    bool ok = n == 0 || pg_exec(db, sql, e);
    free(sql);
    buf_free(&ids);
    buf_free(&oids);
    return ok;
}

static void add_text(struct buf *b, const char *text)
{
    if (text != NULL)
        sql_literal(b, text);
    else
        buf_puts(b, "NULL");
}

static void add_heaps(struct buf *b, const char *s, const struct target_heap *heaps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct target_heap *h = &heaps[i];
        buf_printf(b, i == 0 ? "INSERT INTO %s.heap VALUES " : ", ", s);
        buf_printf(b, "(%d, %u, %u, %lld, %lld, ", h->relation, h->heap, h->filenode, (long long)h->blocks,
                   (long long)h->bytes);
        add_text(b, h->range_key);
        buf_puts(b, ")");
    }
    buf_puts(b, n != 0 ? ";" : "");
}

static void add_cuts(struct buf *b, const char *s, const struct target_heap *heaps, size_t n)
{
    bool first = true;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < heaps[i].ncuts; k++) {
            const struct target_cut *c = &heaps[i].cuts[k];
            buf_printf(b, first ? "INSERT INTO %s.cut VALUES " : ", ", s);
            first = false;
            buf_printf(b, "(%d, %u, %zu, %lld, ", heaps[i].relation, heaps[i].heap, k, (long long)c->block);
            add_text(b, c->key);
            buf_printf(b, ", %lld)", (long long)c->bytes);
        }
    buf_puts(b, first ? "" : ";");
}

static void add_empty(struct buf *b, const char *s, const int *empty, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, i == 0 ? "UPDATE %s.relation SET copied = true WHERE id IN (" : ", ", s);
        buf_printf(b, "%d", empty[i]);
    }
    buf_puts(b, n != 0 ? ");" : "");
}

bool target_plan(struct conn *db, const char *schema, const struct target_heap *heaps, size_t n,
                 const int *empty, size_t nempty, struct err *e)
{
    struct buf b = {0};
    char *s = quoted(schema);
    buf_puts(&b, "BEGIN;");
    add_heaps(&b, s, heaps, n);
    add_cuts(&b, s, heaps, n);
    add_empty(&b, s, empty, nempty);
    buf_puts(&b, "COMMIT;");
    bool ok = pg_exec(db, b.data, e);
    if (!ok)
        pg_reset(db);
    free(s);
    buf_free(&b);
    return ok;
}

bool target_restart_copy(struct conn *db, const char *schema, const struct relation *r, struct err *e)
{
    char *table = xasprintf("%s%s", r->partitioned ? "" : "ONLY ", r->sql), id[16];
    char *deletes = xasprintf("DELETE FROM %s;", table);
    snprintf(id, sizeof id, "%d", r->id);
    const struct sql_var inner[] = {{"tables", table}, {"deletes", deletes}, {NULL, NULL}};
    char *body = sql_fill(sql_target_truncate_body, inner);
    const struct sql_var vars[] = {{"schema", schema}, {"id", id}, {"body", body}, {NULL, NULL}};
    bool ok = target_exec(db, sql_target_restart_copy, vars, e) || err_relation(e, r);
    free(body);
    free(deletes);
    free(table);
    return ok;
}

bool target_begin_afresh(struct conn *db, const char *schema, int id, int64_t number, struct err *e)
{
    char text[16], write[24];
    snprintf(text, sizeof text, "%d", id);
    snprintf(write, sizeof write, "%lld", (long long)number);
    const struct sql_var vars[] = {{"schema", schema}, {"id", text}, {"number", write}, {NULL, NULL}};
    return target_exec(db, sql_target_begin_afresh, vars, e);
}

/* Runs one statement on repl's schema, whose quoted name stands between the two parts. */
static bool exec_in(struct conn *db, const char *schema, const char *before, const char *behind,
                    struct err *e)
{
    char *s = quoted(schema);
    char *sql = xasprintf("%s%s%s", before, s, behind);
    bool ok = pg_exec(db, sql, e);
    free(sql);
    free(s);
    return ok;
}

bool target_copied(struct conn *db, const char *schema, int id, struct err *e)
{
    char *behind = xasprintf(".relation SET copied = true WHERE id = %d", id);
    bool ok = exec_in(db, schema, "UPDATE ", behind, e);
    free(behind);
    return ok;
}

bool target_begin_epoch(struct conn *db, const char *schema, int64_t epoch,
                        const struct server_identity *source, struct err *e)
{
    struct arena *a = arena_new();
    const struct sql_var vars[] = {{"schema", schema},
                                   {"epoch", arena_printf(a, "%lld", (long long)epoch)},
                                   {"system_identifier", source->system_identifier},
                                   {"timeline", arena_printf(a, "%lld", (long long)source->timeline)},
                                   {"database", arena_printf(a, "%u", source->database)},
                                   {NULL, NULL}};
    bool ok = target_exec(db, sql_target_begin_epoch, vars, e);
    arena_free(a);
    return ok;
}

bool target_doubts(struct conn *db, const char *schema, int64_t batch, int64_t applied, int64_t epoch,
                   int64_t number, const struct server_identity *source, const char *reason, struct err *e)
{
    struct arena *a = arena_new();
    char *now = NULL;
    const struct sql_var vars[] = {{"schema", schema},
                                   {"batch", arena_printf(a, "%lld", (long long)batch)},
                                   {"applied", arena_printf(a, "%lld", (long long)applied)},
                                   {"epoch", arena_printf(a, "%lld", (long long)epoch)},
                                   {"number", arena_printf(a, "%lld", (long long)number)},
                                   {"reason", reason},
                                   {"system_identifier", source->system_identifier},
                                   {"timeline", arena_printf(a, "%lld", (long long)source->timeline)},
                                   {"database", arena_printf(a, "%u", source->database)},
                                   {NULL, NULL}};
    bool ok = target_exec(db, sql_target_doubt, vars, e) &&
              pg_value(db, arena_printf(a, "SELECT epoch FROM %s", sql_qualified(a, schema, "position")), 0,
                       NULL, &now, e);
    if (ok && strtoll(now, NULL, 10) != epoch)
        ok = err_set(e, ERR_CONFLICT,
                     "the target's position was moved by somebody else: another engine works on this sync");
    free(now);
    arena_free(a);
    return ok;
}

bool target_doubt_settled(struct conn *db, const char *schema, int id, int64_t doubt, struct err *e)
{
    struct arena *a = arena_new();
    const struct sql_var vars[] = {{"schema", schema},
                                   {"id", arena_printf(a, "%d", id)},
                                   {"doubt", arena_printf(a, "%lld", (long long)doubt)},
                                   {NULL, NULL}};
    bool ok = target_exec(db, sql_target_doubt_settled, vars, e);
    arena_free(a);
    return ok;
}

bool target_forget(struct conn *db, const char *schema, int id, struct err *e)
{
    char *behind = xasprintf(".relation WHERE id = %d", id);
    bool ok = exec_in(db, schema, "DELETE FROM ", behind, e);
    free(behind);
    return ok;
}

bool target_step_done(struct conn *db, const char *schema, const char *step, struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, ".step (name) VALUES (");
    sql_literal(&b, step);
    buf_puts(&b, ") ON CONFLICT (name) DO NOTHING");
    fault_point("step.before_mark");
    bool ok = exec_in(db, schema, "INSERT INTO ", b.data, e);
    buf_free(&b);
    return ok;
}

bool target_drop_stages(struct conn *db, const char *schema, struct err *e)
{
    struct result *r = NULL;
    char *sql = sql_fill(sql_target_stages_left, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}});
    bool ok = pg_query(db, sql, 0, NULL, &r, e);
    for (int i = 0; ok && i < result_rows(r); i++)
        ok = pg_exec(db, result_text(r, i, 0), e);
    result_free(r);
    free(sql);
    return ok;
}

bool target_remove(struct conn *db, const char *schema, struct err *e)
{
    struct installation in;
    if (!catalog_installation(db, schema, &in, e))
        return false;
    return in.kind != INSTALLED_TARGET || exec_in(db, schema, "DROP SCHEMA ", " CASCADE", e);
}
