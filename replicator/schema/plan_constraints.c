/*
 * What comes when the target has caught up: what keeps or follows from rows.
 *
 *   stage 0   triggers, rules, policies, constraints that the source has not checked either
 *   stage 1   foreign keys, NOT VALID: a short lock on both tables, and no look at the rows
 *   stage 2   the look at the rows, many at a time, with a lock that lets everything else go on
 *   stage 3   foreign keys of and to partitioned tables in one go: before PostgreSQL 18 such a table cannot have one
 *             that is NOT VALID, and one that refers to it would keep partitions' parts that nobody validates
 *   stage 4   comments
 *   stage 5.. materialized views, each depth after the one that it reads
 *
 * A foreign key in one go would hold SHARE ROW EXCLUSIVE on both tables while it looks, so that those of one
 * referenced table could only follow one another.
 */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "restore.h"
#include "unit.h"

enum { STAGE_OTHERS, STAGE_KEYS, STAGE_VALIDATE, STAGE_WHOLE, STAGE_COMMENTS, STAGE_VIEWS };
enum { TOGETHER = 40, PARTITIONED_NOT_VALID = 180000 };

struct plan {
    struct restore r;
    struct units *u;
    struct heap_sizes sizes;
    size_t packed; /* the unit that takes more of its kind: its place behind; 0: none */
};

/* ---- packs ---- */

static void add_packed(struct plan *p, enum unit_kind kind, int stage, const char *what, const char *sql)
{
    struct unit *pack = p->packed > 0 ? &p->u->items[p->packed - 1] : NULL;
    if (pack != NULL && pack->stage == stage && pack->nsql < TOGETHER) {
        unit_also(pack, p->r.a, sql);
        pack->what = arena_printf(p->r.a, "%zu others up to %s", pack->nsql, what);
        return;
    }
    unit_add(p->u, p->r.a, kind, stage, what, sql)->serial = true;
    p->packed = p->u->count;
}

static void add_entries(struct plan *p, enum toc_step step, enum unit_kind kind, int stage)
{
    for (size_t i = 0; i < p->r.dump.toc.count; i++) {
        const struct toc_entry *it = &p->r.dump.toc.items[i];
        if (toc_left(it, step) && strcmp(it->kind, "FK CONSTRAINT") != 0)
            add_packed(p, kind, stage, restore_name(it, p->r.a), it->sql);
    }
}

/* ---- foreign keys ---- */

/* A row of foreign_keys.sql. */
struct key {
    struct toc_entry *entry;
    const char *name, *schema, *table;               /* of the referencing end */
    const char *from_schema, *from, *to_schema, *to; /* as replicated */
    bool of_extension, valid, enforced, partitioned, framed;
    const char *table_sql, *name_sql;
};

static struct key key_at(const struct plan *p, const struct result *k, int row)
{
    return (struct key){
        .entry = toc_find(&p->r.dump.toc, (uint32_t)result_int(k, row, 0), (uint32_t)result_int(k, row, 1)),
        .name = result_text(k, row, 2),
        .schema = result_text(k, row, 3),
        .table = result_text(k, row, 4),
        .from_schema = result_text(k, row, 5),
        .from = result_text(k, row, 6),
        .to_schema = result_text(k, row, 7),
        .to = result_text(k, row, 8),
        .of_extension = result_bool(k, row, 9),
        .valid = result_bool(k, row, 10),
        .enforced = result_bool(k, row, 11),
        .partitioned = result_bool(k, row, 12),
        .framed = result_bool(k, row, 13),
        .table_sql = result_text(k, row, 14),
        .name_sql = result_text(k, row, 15),
    };
}

static void leave_out(struct plan *p, const struct key *k, const char *why)
{
    k->entry->left_out = why;
    toc_leave_out_comment(&p->r.dump.toc, k->schema, k->name, k->table);
}

/* Without the rows of one end a foreign key cannot hold. */
static void leave_out_half(struct plan *p, const struct key *k)
{
    const struct selection *sel = &p->r.s->selection;
    bool from = selection_includes(sel, k->from_schema, k->from);
    bool to = selection_includes(sel, k->to_schema, k->to);
    if (from && to && !k->of_extension)
        return;
    leave_out(p, k, "an end of it is not replicated");
    if (from || to)
        p->r.say(p->r.arg,
                 arena_printf(p->r.a, "left out: foreign key %s of %s.%s, since %s.%s is not replicated",
                              k->name, k->schema, k->table, from ? k->to_schema : k->from_schema,
                              from ? k->to : k->from));
}

/* What an older server has no word for. */
static void leave_out_unknown(struct plan *p, const struct key *k)
{
    bool old = conn_server_version(p->r.target) < PARTITIONED_NOT_VALID;
    if (k->entry->left_out != NULL || !old || (k->enforced && (k->valid || !k->framed)))
        return;
    leave_out(p, k, "PostgreSQL 18 has it, the target has not");
    p->r.say(p->r.arg, arena_printf(p->r.a,
                                    "left out: foreign key %s of %s.%s, which is %s: that takes "
                                    "PostgreSQL 18 on the target",
                                    k->name, k->schema, k->table,
                                    k->enforced ? "NOT VALID on a partitioned table" : "NOT ENFORCED"));
}

static void add_validation(struct plan *p, const struct key *k, const char *what)
{
    struct unit *u =
        unit_add(p->u, p->r.a, UNIT_VALIDATE, STAGE_VALIDATE, what,
                 arena_printf(p->r.a, "ALTER TABLE %s VALIDATE CONSTRAINT %s", k->table_sql, k->name_sql));
    u->table = arena_printf(p->r.a, "%s.%s", k->schema, k->table);
    u->alone = true;
    u->bytes = heap_size(&p->sizes, k->schema, k->table);
}

static bool is_unvalidated(const struct result *there, const struct key *k)
{
    for (int i = 0; i < result_rows(there); i++)
        if (strcmp(result_text(there, i, 2), k->name) == 0 &&
            strcmp(result_text(there, i, 1), k->table) == 0 &&
            strcmp(result_text(there, i, 0), k->schema) == 0)
            return true;
    return false;
}

/* The dump's statement, with NOT VALID where the source's key is valid. */
static const char *not_valid(const struct plan *p, const char *sql)
{
    size_t n = strlen(sql);
    while (n > 0 && sql[n - 1] == ';')
        n--;
    return arena_printf(p->r.a, "%.*s NOT VALID;", (int)n, sql);
}

static void add_key(struct plan *p, const struct key *k, const struct result *unvalidated)
{
    const char *what = arena_printf(p->r.a, "foreign key %s of %s.%s", k->name, k->schema, k->table);
    bool left = toc_left(k->entry, TOC_CONSTRAINTS);
    bool whole = k->partitioned && conn_server_version(p->r.target) < PARTITIONED_NOT_VALID;
    if (left && k->valid && whole) {
        struct unit *u = unit_add(p->u, p->r.a, UNIT_FOREIGN_KEY, STAGE_WHOLE, what, k->entry->sql);
        u->serial = true;
        u->table = arena_printf(p->r.a, "%s.%s", k->schema, k->table);
    } else if (left) {
        add_packed(p, UNIT_FOREIGN_KEY, STAGE_KEYS, what,
                   k->valid && k->enforced ? not_valid(p, k->entry->sql) : k->entry->sql);
    }
    if (k->valid && k->enforced && (left ? !whole : is_unvalidated(unvalidated, k)))
        add_validation(p, k, what);
}

/* Before the script is asked for: what is left out is not in it. */
static bool read_keys(struct plan *p, struct result **keys, struct err *e)
{
    if (!pg_query_filled(p->r.source, sql_schema_foreign_keys, (const struct sql_var[]){{NULL, NULL}}, keys,
                         e))
        return false;
    for (int i = 0; i < result_rows(*keys); i++) {
        const struct key k = key_at(p, *keys, i);
        if (k.entry == NULL)
            continue;
        leave_out_half(p, &k);
        leave_out_unknown(p, &k);
    }
    return true;
}

static bool add_keys(struct plan *p, const struct result *keys, struct err *e)
{
    struct result *unvalidated;
    if (!pg_query_filled(p->r.target, sql_schema_unvalidated, (const struct sql_var[]){{NULL, NULL}},
                         &unvalidated, e))
        return false;
    for (int i = 0; i < result_rows(keys); i++) {
        const struct key k = key_at(p, keys, i);
        if (k.entry != NULL && k.entry->left_out == NULL)
            add_key(p, &k, unvalidated);
    }
    result_free(unvalidated);
    return true;
}

static bool add_schema(struct plan *p, struct err *e)
{
    struct result *keys = NULL;
    bool ok = heap_sizes_read(p->r.target, p->r.s->schema, &p->sizes, e) && read_keys(p, &keys, e) &&
              restore_script(&p->r, TOC_CONSTRAINTS, e);
    if (ok) {
        add_entries(p, TOC_CONSTRAINTS, UNIT_OBJECT, STAGE_OTHERS);
        ok = add_keys(p, keys, e) && restore_script(&p->r, TOC_COMMENTS, e);
    }
    if (ok)
        add_entries(p, TOC_COMMENTS, UNIT_COMMENT, STAGE_COMMENTS);
    result_free(keys);
    heap_sizes_free(&p->sizes);
    return ok;
}

bool units_constraints(const struct units_wanted *w, struct arena *a, struct units *out, struct err *e)
{
    struct plan p = {.u = out};
    *out = (struct units){0};
    if (!restore_begin(&p.r, w, !w->s->no_schema, a, e))
        return false;
    restore_limits_of(&p.r, out);
    bool ok = (w->s->no_schema || add_schema(&p, e)) && matviews_add(&p.r, out, STAGE_VIEWS, false, e);
    units_sort(out);
    restore_end(&p.r);
    return ok;
}
