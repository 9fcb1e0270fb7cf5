/* repl's tables on the target: the truth about what was applied. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/flow.h"
#include "repl/version.h"
#include "streams.h"

bool target_exec(struct conn *db, const char *text, const struct sql_var *vars, struct err *e)
{
    bool ok = pg_exec_filled(db, text, vars, e);
    if (!ok)
        pg_reset(db);
    return ok;
}

static bool find(struct conn *db, const char *schema, bool *there, bool *ours, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_target_find, vars, &r, e);
    if (!ok)
        return false;
    *there = result_bool(r, 0, 0);
    *ours = result_bool(r, 0, 1);
    result_free(r);
    return true;
}

bool target_install(struct conn *db, const char *schema, const char *sync_id, struct err *e)
{
    bool there, ours;
    char version[16];
    if (!find(db, schema, &there, &ours, e))
        return false;
    if (ours)
        return true;
    if (there) {
        err_set(e, ERR_CONFIG, "the target has a schema %s that is not this sync's", schema);
        return err_hint(
            e, "choose another name: --schema NAME; where it came with a restored fork: repl cleanup");
    }
    snprintf(version, sizeof version, "%d", REPL_SCHEMA_VERSION);
    const struct sql_var vars[] = {
        {"schema", schema}, {"sync_id", sync_id}, {"version", version}, {NULL, NULL}};
    return target_exec(db, sql_target_schema, vars, e);
}

/* ---- reading ---- */

static void take_position(const struct result *r, struct arena *a, struct target_state *out)
{
    snprintf(out->sync_id, sizeof out->sync_id, "%s", result_text(r, 0, 0));
    out->batch = result_int(r, 0, 1);
    out->snapshot = arena_strdup(a, result_text(r, 0, 2));
    snprintf(out->source.system_identifier, sizeof out->source.system_identifier, "%s", result_text(r, 0, 3));
    out->source.timeline = result_int(r, 0, 4);
    out->source.database = (uint32_t)result_int(r, 0, 5);
    out->applied_at = arena_strdup(a, result_text(r, 0, 6));
}

static const char *text_or_null(const struct result *r, int row, int col, struct arena *a)
{
    return result_null(r, row, col) ? NULL : arena_strdup(a, result_text(r, row, col));
}

static void take_relations(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nrelations = (size_t)result_rows(r);
    out->relations = arena_alloc(a, out->nrelations * sizeof *out->relations);
    for (int i = 0; i < result_rows(r); i++)
        out->relations[i] = (struct target_relation){
            .id = (int)result_int(r, i, 0),
            .schema = arena_strdup(a, result_text(r, i, 1)),
            .name = arena_strdup(a, result_text(r, i, 2)),
            .copied = result_bool(r, i, 3),
            .snapshot = text_or_null(r, i, 4, a),
            .goal = text_or_null(r, i, 5, a),
            .side = result_text(r, i, 6)[0],
            .block = result_int(r, i, 7),
            .afresh = result_bool(r, i, 8),
            .origin = origin_of(result_text(r, i, 9)),
        };
}

static void take_heaps(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nheaps = (size_t)result_rows(r);
    out->heaps = arena_alloc(a, out->nheaps * sizeof *out->heaps);
    for (int i = 0; i < result_rows(r); i++)
        out->heaps[i] = (struct target_heap){
            .relation = (int)result_int(r, i, 0),
            .heap = (uint32_t)result_int(r, i, 1),
            .filenode = (uint32_t)result_int(r, i, 2),
            .blocks = result_int(r, i, 3),
            .bytes = result_int(r, i, 4),
            .range_key = text_or_null(r, i, 5, a),
        };
}

/* Both come ordered by relation and heap, the cuts by number too. */
static void take_cuts(const struct result *r, struct arena *a, struct target_state *out)
{
    struct target_cut *cuts = arena_alloc(a, ((size_t)result_rows(r) + 1) * sizeof *cuts);
    struct target_heap *h = out->heaps;
    for (int i = 0; i < result_rows(r); i++) {
        while (h->relation != (int)result_int(r, i, 0) || h->heap != (uint32_t)result_int(r, i, 1))
            h++; /* a cut refers to its heap, and both are of one snapshot */
        if (h->ncuts++ == 0)
            h->cuts = &cuts[i];
        cuts[i] = (struct target_cut){
            .block = result_int(r, i, 2),
            .key = text_or_null(r, i, 3, a),
            .bytes = result_int(r, i, 4),
        };
    }
}

static void take_chunks(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nchunks = (size_t)result_rows(r);
    out->chunks = arena_alloc(a, out->nchunks * sizeof *out->chunks);
    for (int i = 0; i < result_rows(r); i++)
        out->chunks[i] = (struct target_chunk){
            .relation = (int)result_int(r, i, 0),
            .heap = (uint32_t)result_int(r, i, 1),
            .chunk = result_int(r, i, 2),
            .rows = result_int(r, i, 3),
            .bytes = result_int(r, i, 4),
        };
}

/* Of the statement in front, which has the others read under one snapshot. */
static void take_nothing(const struct result *r, struct arena *a, struct target_state *out)
{
    (void)r;
    (void)a;
    (void)out;
}

/* The steps' list is the arena's, unlike a strlist that was added to. */
static void take_steps(const struct result *r, struct arena *a, struct target_state *out)
{
    out->steps.count = (size_t)result_rows(r);
    out->steps.items = arena_alloc(a, out->steps.count * sizeof *out->steps.items);
    for (int i = 0; i < result_rows(r); i++)
        out->steps.items[i] = arena_strdup(a, result_text(r, i, 0));
}

bool target_read(struct conn *db, const char *schema, struct arena *a, struct target_state *out,
                 struct err *e)
{
    static void (*const takers[])(const struct result *, struct arena *, struct target_state *) = {
        take_nothing, take_position, take_relations, take_heaps, take_cuts, take_chunks, take_steps,
    };
    bool there;
    memset(out, 0, sizeof *out);
    out->snapshot = out->applied_at = "";
    if (!find(db, schema, &there, &out->exists, e))
        return false;
    if (!out->exists)
        return true;

    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    char *sql = sql_fill(sql_target_state, vars);
    bool ok = pg_send(db, sql, e);
    free(sql);
    for (size_t i = 0; ok && i < sizeof takers / sizeof *takers; i++) {
        struct result *r;
        ok = stream_result(db, &r, e);
        if (ok) {
            takers[i](r, a, out);
            result_free(r);
        }
    }
    return ok && pg_end(db, e);
}

bool target_stands(struct conn *db, const char *schema, int id, struct arena *a, struct target_standing *out,
                   struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {"id", arena_printf(a, "%d", id)}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_target_stands, vars, &r, e);
    if (!ok)
        return false;
    *out = (struct target_standing){.known = result_rows(r) != 0, .snapshot = ""};
    if (out->known) {
        out->copied = result_bool(r, 0, 0);
        out->snapshot = arena_strdup(a, result_text(r, 0, 1));
        snprintf(out->source.system_identifier, sizeof out->source.system_identifier, "%s",
                 result_text(r, 0, 2));
        out->source.timeline = result_int(r, 0, 3);
        out->source.database = (uint32_t)result_int(r, 0, 4);
    }
    result_free(r);
    return true;
}

/* ---- writing ---- */

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
    bool ok = target_exec(db, sql_target_restart_copy, vars, e) || err_table(e, r->schema, r->name);
    free(body);
    free(deletes);
    free(table);
    return ok;
}

bool target_begin_afresh(struct conn *db, const char *schema, int id, struct err *e)
{
    char text[16];
    snprintf(text, sizeof text, "%d", id);
    const struct sql_var vars[] = {{"schema", schema}, {"id", text}, {NULL, NULL}};
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

bool target_identify(struct conn *db, const char *schema, const struct server_identity *source, struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, ".position SET system_identifier = ");
    sql_literal(&b, source->system_identifier);
    buf_printf(&b, ", timeline = %lld, source_database = %u", (long long)source->timeline, source->database);
    bool ok = exec_in(db, schema, "UPDATE ", b.data, e);
    buf_free(&b);
    return ok;
}

bool target_forget_passes(struct conn *db, const char *schema, struct err *e)
{
    return exec_in(db, schema, "UPDATE ",
                   ".relation SET goal = NULL, side = NULL, block = 0 WHERE goal IS NOT NULL", e);
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
    bool there, ours;
    if (!find(db, schema, &there, &ours, e))
        return false;
    return !ours || exec_in(db, schema, "DROP SCHEMA ", " CASCADE", e);
}
