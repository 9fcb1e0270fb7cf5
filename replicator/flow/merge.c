/*
 * The merge. Promise: after it the table's rows with staged keys are, byte for byte, those of the source's snapshot,
 * whatever order of statements brought the source there. How: what is gone is deleted; then rows whose unique columns
 * change are deleted too, so that no value stands in the way of another row's; then rows that differ elsewhere are
 * updated in place; then what is missing is inserted. Equality of rows is that of their bytes (*<>): numeric 1.0 and
 * 1.00 are equal to "=", and still not the same.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/hash.h"

/* ---- script ---- */

void script_add(struct script *s, enum step_kind kind, struct apply_table *t, const char *text)
{
    s->steps = xrealloc(s->steps, (s->nsteps + 1) * sizeof *s->steps);
    s->steps[s->nsteps++] = (struct script_step){kind, t};
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ' || text[len - 1] == ';'))
        len--;
    buf_add(&s->sql, text, len);
    buf_puts(&s->sql, ";\n");
}

void script_add_kept(struct script *s, enum step_kind kind, struct apply_table *t, const struct kept *k)
{
    s->kept[s->nkept++] = k->definition;
    script_add(s, kind, t, k->execute);
}

static void add_kept(struct script *s, enum step_kind kind, struct apply_table *t, const char *text)
{
    size_t len = strlen(text);
    while (len > 0 && strchr("\n ;", text[len - 1]) != NULL)
        len--;
    const char *takes = t->values != NULL ? arena_printf(s->mem, "(%s[]) ", t->stage) : "";
    const struct kept k = pg_kept(s->mem, arena_printf(s->mem, "%sAS %.*s", takes, (int)len, text),
                                  t->values != NULL ? t->values : "");
    script_add_kept(s, kind, t, &k);
}

void script_free(struct script *s)
{
    buf_free(&s->sql);
    free(s->steps);
    *s = (struct script){0};
}

static void add_filled(struct script *s, enum step_kind kind, struct apply_table *t, const char *text,
                       const struct sql_var *vars)
{
    char *sql = sql_fill(text, vars);
    if (t != NULL && t->kept)
        add_kept(s, kind, t, sql);
    else
        script_add(s, kind, t, sql);
    free(sql);
}

/* ---- the stage's layout: c<n> is the n-th copied column of the source ---- */

static const struct column *target_column(const struct apply_table *t, const struct column *from)
{
    const struct column *to = relation_column(t->target, from->name);
    return to != NULL ? to : from;
}

static char *row_columns(struct arena *a, const struct apply_table *t)
{
    struct buf b = {0};
    const struct relation *r = t->source;
    for (size_t i = 0; i < r->ncolumns; i++)
        if (!r->columns[i].generated)
            buf_printf(&b, "%sc%zu %s", b.len != 0 ? ", " : "", i + 1,
                       target_column(t, &r->columns[i])->base_type);
    return buf_take(a, &b);
}

/* A table so wide that the stage has no room for its columns: there the stage has them as one value, whose type is the row of
 * a table that is never filled. */
static char *row_type(struct arena *a, const struct apply_table *t)
{
    return arena_printf(a, "pg_temp.repl_row_%d_%08x", t->source->id,
                        (unsigned)hash64_str(row_columns(a, t)));
}

char *stage_columns(struct arena *a, const struct apply_table *t)
{
    struct buf b = {0};
    const struct relation *r = t->source;
    const char *row = relation_fits_stage(r) ? row_columns(a, t) : arena_printf(a, "r %s", row_type(a, t));
    if (r->nkey != 0) {
        buf_puts(&b, "present boolean");
        for (size_t k = 0; k < r->nkey; k++)
            buf_printf(&b, ", k%zu %s", k + 1, target_column(t, relation_key(r, k))->base_type);
    }
    buf_printf(&b, "%s%s", b.len != 0 && row[0] != '\0' ? ", " : "", row);
    return buf_take(a, &b);
}

void stage_row(struct buf *b, struct arena *a, const struct apply_table *t)
{
    const struct sql_var vars[] = {{"stage", row_type(a, t)}, {"columns", row_columns(a, t)}, {NULL, NULL}};
    if (relation_fits_stage(t->source))
        return;
    char *sql = sql_fill(sql_target_stage, vars);
    buf_puts(b, sql);
    free(sql);
}

/* The value that the stage s has of that column. */
static void add_staged(struct buf *b, const struct apply_table *t, size_t i)
{
    buf_printf(b, relation_fits_stage(t->source) ? "s.c%zu" : "(s.r).c%zu", i + 1);
}

char *stage_name(struct arena *a, const struct apply_table *t)
{
    uint64_t layout = hash64_str(stage_columns(a, t));
    return arena_printf(a, "pg_temp.repl_%d_%08x", t->source->id, (unsigned)layout);
}

/* ---- pieces of the statements ---- */

/* Columns that a row can only change by being made anew. */
static bool is_recreated(const struct apply_table *t, size_t i)
{
    const struct column *from = &t->source->columns[i], *to = target_column(t, from);
    return !from->generated && (from->in_unique || to->in_unique || to->identity_always);
}

static bool is_any(const struct apply_table *t, size_t i)
{
    return !t->source->columns[i].generated;
}

/* ROW(t.a, ...) *<> ROW(s.c1, ...) over the columns that belong; "" where none does. The casts matter: without them
 * the parser compares two row constructors column by column. Domains are compared as their
 * base type, which is what the stage holds. */
static char *differs(struct arena *a, const struct apply_table *t,
                     bool (*belongs)(const struct apply_table *, size_t))
{
    struct buf left = {0}, right = {0}, both = {0};
    for (size_t i = 0; i < t->source->ncolumns; i++) {
        if (!belongs(t, i))
            continue;
        const struct column *to = target_column(t, &t->source->columns[i]);
        buf_puts(&left, left.len != 0 ? ", t." : "t.");
        sql_ident(&left, to->name);
        if (to->is_domain)
            buf_printf(&left, "::%s", to->base_type);
        buf_puts(&right, right.len != 0 ? ", " : "");
        add_staged(&right, t, i);
    }
    if (left.len != 0)
        buf_printf(&both, "ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(%s)::pg_catalog.record",
                   left.data, right.data);
    buf_free(&left);
    buf_free(&right);
    return buf_take(a, &both);
}

static char *set_list(struct arena *a, const struct apply_table *t)
{
    struct buf b = {0};
    for (size_t i = 0; i < t->source->ncolumns; i++) {
        if (!is_any(t, i) || is_recreated(t, i))
            continue;
        buf_puts(&b, b.len != 0 ? ", " : "");
        sql_ident(&b, t->source->columns[i].name);
        buf_puts(&b, " = ");
        add_staged(&b, t, i);
    }
    return buf_take(a, &b);
}

/* "("a", "b")" of the table or "s.c1, s.c2" of the stage; "" where no column is copied. */
static char *column_list(struct arena *a, const struct apply_table *t, bool staged)
{
    struct buf b = {0};
    for (size_t i = 0; i < t->source->ncolumns; i++) {
        if (!is_any(t, i))
            continue;
        buf_puts(&b, b.len != 0 ? ", " : "");
        if (staged)
            add_staged(&b, t, i);
        else
            sql_ident(&b, t->source->columns[i].name);
    }
    if (b.len == 0 || staged)
        return buf_take(a, &b);
    char *s = arena_printf(a, "(%s)", b.data);
    buf_free(&b);
    return s;
}

enum { SHARE = 20 };

bool merge_is_small(const struct apply_table *t)
{
    return t->owed <= APPLY_FEW_ROWS;
}

const char plan_lookups[] = "SELECT pg_catalog.set_config('enable_hashjoin', 'off', true), "
                            "pg_catalog.set_config('enable_mergejoin', 'off', true), "
                            "pg_catalog.set_config('enable_nestloop', 'on', true), "
                            "pg_catalog.set_config('enable_seqscan', 'off', true), "
                            "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)";

/* Few rows against a large table: look each up, never read the table whole. The planner cannot know how few, since
 * the stage was never analyzed. A plan that is kept must be one of lookups however small the table was when it was
 * made.
 * Many rows: never look each up. The planner thinks of a table that was analyzed while it was empty as one of a row at
 * most, and would read it whole for each row of the stage, with all that was just put in. */
static void choose_plan(struct script *s, const struct apply_table *t)
{
    int64_t held = t->target->rows_estimate > t->source->rows_estimate ? t->target->rows_estimate
                                                                       : t->source->rows_estimate;
    bool few = merge_is_small(t) || t->owed * SHARE < held;
    int plan = t->kept ? PLAN_LOOKUPS : few ? PLAN_FEW : PLAN_FREE;
    if (plan == (int)s->plan)
        return;
    s->plan = plan;
    if (plan == PLAN_LOOKUPS) {
        script_add(s, STEP_OTHER, NULL, plan_lookups);
        return;
    }
    script_add(s, STEP_OTHER, NULL,
               few ? "SET LOCAL enable_hashjoin = off" : "SET LOCAL enable_hashjoin = on");
    script_add(s, STEP_OTHER, NULL,
               few ? "SET LOCAL enable_mergejoin = off" : "SET LOCAL enable_mergejoin = on");
    script_add(s, STEP_OTHER, NULL,
               few ? "SET LOCAL enable_nestloop = on" : "SET LOCAL enable_nestloop = off");
    script_add(s, STEP_OTHER, NULL, "SET LOCAL enable_seqscan = on");
}

/* ---- whole statements ---- */

bool merge_can_count(const struct apply_table *t)
{
    const struct relation *from = t->source, *to = t->target;
    bool same = from->nkey != 0 && from->nkey == to->nkey;
    for (size_t k = 0; same && k < from->nkey; k++)
        same = relation_key_has(to, relation_key(from, k)->name);
    return same;
}

enum { DIFFERS = 6, VARIABLES = 9 };

/* What the statements of a merge are filled with; DIFFERS changes from one to the next. */
static void fill_variables(struct arena *a, const struct apply_table *t, struct sql_var vars[VARIABLES])
{
    const struct sql_var filled[VARIABLES] = {
        {"into", t->target->sql},
        {"table", arena_printf(a, "%s%s", t->target->partitioned ? "" : "ONLY ", t->target->sql)},
        {"stage", t->values != NULL ? "pg_catalog.unnest($1)" : t->stage},
        {"on", key_join_sql(a, t->target, t->source, "s.", "t.")},
        {"columns", column_list(a, t, false)},
        {"staged", column_list(a, t, true)},
        [DIFFERS] = {"differs", ""},
        {"set", set_list(a, t)},
    };
    memcpy(vars, filled, sizeof filled);
}

static void merge_keyed(struct script *s, struct arena *a, struct apply_table *t, struct sql_var *vars)
{
    const char *recreate = differs(a, t, is_recreated), *any = differs(a, t, is_any);
    bool known = t->values != NULL;
    choose_plan(s, t);
    if (!known || t->gone != 0)
        add_filled(s, STEP_DELETE, t, sql_target_merge_delete, vars);
    if (known && t->gone == t->rows)
        return;
    if (recreate[0] != '\0') {
        vars[DIFFERS].value = recreate;
        add_filled(s, STEP_OTHER, t, sql_target_merge_recreate, vars);
    }
    if (set_list(a, t)[0] != '\0') {
        vars[DIFFERS].value = any;
        add_filled(s, STEP_UPSERT, t, sql_target_merge_update, vars);
    }
    if (!t->counted)
        add_filled(s, STEP_UPSERT, t, sql_target_merge_insert, vars);
}

void merge_add(struct script *s, struct arena *a, struct apply_table *t)
{
    struct sql_var vars[VARIABLES];
    fill_variables(a, t, vars);
    if (t->source->nkey != 0) {
        merge_keyed(s, a, t, vars);
        return;
    }
    add_filled(s, STEP_OTHER, t, sql_target_replace_delete, vars);
    add_filled(s, STEP_UPSERT, t, sql_target_replace_insert, vars);
}

void merge_add_missing(struct script *s, struct arena *a, struct apply_table *t)
{
    struct sql_var vars[VARIABLES];
    fill_variables(a, t, vars);
    choose_plan(s, t);
    add_filled(s, STEP_UPSERT, t, sql_target_merge_insert, vars);
}

void truncate_add(struct script *s, struct arena *a, struct apply_table *tables, size_t n)
{
    struct buf list = {0}, deletes = {0};
    for (size_t i = 0; i < n; i++) {
        const struct relation *r = tables[i].target;
        if (!tables[i].truncated || tables[i].source->nkey == 0)
            continue;
        const char *only = r->partitioned ? "" : "ONLY ";
        /* One by one, so that an error says which: all that TRUNCATE would. */
        script_add(s, STEP_OTHER, &tables[i],
                   arena_printf(a, "LOCK TABLE %s%s IN ACCESS EXCLUSIVE MODE", only, r->sql));
        buf_printf(&list, "%s%s%s", list.len != 0 ? ", " : "", only, r->sql);
        buf_printf(&deletes, "DELETE FROM %s%s; ", only, r->sql);
    }
    if (list.len != 0) {
        const struct sql_var inner[] = {{"tables", list.data}, {"deletes", deletes.data}, {NULL, NULL}};
        char *body = sql_fill(sql_target_truncate_body, inner);
        const struct sql_var outer[] = {{"body", arena_strdup(a, body)}, {NULL, NULL}};
        add_filled(s, STEP_OTHER, NULL, sql_target_truncate, outer);
        free(body);
    }
    buf_free(&list);
    buf_free(&deletes);
}
