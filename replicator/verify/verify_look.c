/*
 * The look: the one place where a row is called different. Law (docs/verify.md): the source's deltas are held, then
 * the target's rows and position are read of one moment, then the source's snapshot is taken. A key with no delta row
 * between the position and that snapshot has the same row on both sides, or the target is wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/hash.h"
#include "repl/history.h"
#include "verify_job.h"
#include "verify_rows.h"
#include "verify_sql.h"

/* ---- opening and closing ---- */

bool verify_look_begin(struct verify_sides *s, const char **snapshot, struct err *e)
{
    const struct verify_world *w = s->job->world;
    struct target_standing stands;
    struct slot_proof proof;
    char *lock = arena_printf(s->a,
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE %s IN ACCESS "
                              "SHARE MODE",
                              verify_table_sql(s->a, s->to));
    if (!pg_exec(s->source, capture_hold_sql(s->a, &w->capture, s->from), e) ||
        !pg_exec(s->target, lock, e) || !target_stands(s->target, w->schema, s->from->id, s->a, &stands, e) ||
        !capture_proof(s->source, &w->capture, stands.mark.target, stands.mark.epoch, &proof, e))
        return false;
    /* By another history of the source its transactions mean nothing: then everything is owed. A target that went back says
     * rightly what it has; what the source has truncated since differs. */
    enum history h = stands.known ? history_judge(&stands.mark, &proof) : HISTORY_ANOTHER_SERVER;
    bool same = stands.copied && (h == HISTORY_PROVEN || h == HISTORY_TARGET_WENT_BACK);
    *snapshot = same ? stands.snapshot : "";
    return true;
}

bool verify_look_owed(struct verify_sides *s, const char *snapshot, const char *values, bool *flags, size_t n,
                      struct err *e)
{
    struct result *r;
    char *sql = capture_owed_keys_sql(s->a, &s->job->world->capture, s->from, snapshot, values);
    if (!pg_query(s->source, sql, 0, NULL, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++)
        if (result_int(r, i, 0) >= 0 && (size_t)result_int(r, i, 0) < n)
            flags[result_int(r, i, 0)] = true;
    result_free(r);
    return true;
}

bool verify_look_end(struct verify_sides *s, struct err *e)
{
    return pg_exec(s->source, "COMMIT", e) && pg_exec(s->target, "COMMIT", e);
}

/* ---- rows by number ---- */

struct seen {
    bool there;
    struct hash128 row;
    uint64_t *columns;
    const char *key;  /* as this side spells it */
    const char *line; /* with show_values */
};

struct seen_rows {
    struct arena *a;
    struct seen *items;
    size_t count, nkey, ncolumns;
    bool keep;
};

static void see_line(void *arg, const char *text, size_t len)
{
    struct seen_rows *rows = arg;
    char *end;
    size_t n = strtoull(text, &end, 10);
    if (n >= rows->count)
        return;
    struct seen *s = &rows->items[n];
    size_t left = len - (size_t)(end - text);
    left -= left != 0; /* the tab */
    const char *field = text + len - left;
    size_t key = copy_fields_length(field, left, rows->nkey);
    s->there = true;
    s->key = arena_printf(rows->a, "%.*s", (int)key, field);
    field += key + 1;
    left -= key + 1;
    s->row = hash128(field, left);
    s->columns = arena_alloc(rows->a, rows->ncolumns * sizeof *s->columns);
    s->line = rows->keep ? arena_printf(rows->a, "%.*s", (int)left, field) : NULL;
    for (size_t i = 0; i < rows->ncolumns; i++) {
        size_t width = copy_field_length(field, left);
        s->columns[i] = hash64(field, width);
        field += width < left ? width + 1 : width;
        left -= width < left ? width + 1 : width;
    }
}

static char *rows_sql(struct verify_sides *s, const struct relation *side, const struct verify_key *keys,
                      size_t n)
{
    const struct sql_var vars[] = {
        {"values", verify_values_sql(s->a, side, s->from, keys, n)},
        {"names", verify_names_sql(s->a, s->from)},
        {"columns",
         arena_printf(s->a, "%s, %s", verify_key_sql(s->a, s->from), verify_columns_sql(s->a, s->from))},
        {"table", verify_table_sql(s->a, side)},
        {"on", verify_on_sql(s->a, side, s->from)},
        {NULL, NULL},
    };
    char *sql = sql_fill(sql_verify_keys, vars);
    char *kept = arena_strdup(s->a, sql);
    free(sql);
    return kept;
}

static struct seen_rows seen_rows(struct verify_sides *s, size_t n)
{
    return (struct seen_rows){
        .a = s->a,
        .items = arena_alloc(s->a, n * sizeof(struct seen)),
        .count = n,
        .nkey = s->from->nkey,
        .ncolumns = verify_columns(s->from),
        .keep = s->job->world->show_values,
    };
}

static bool read_both(struct verify_sides *s, const struct verify_key *keys, size_t n,
                      struct seen_rows *source, struct seen_rows *target, struct err *e)
{
    int64_t *bytes = &s->job->found.network;
    return pg_send(s->source, rows_sql(s, s->from, keys, n), e) &&
           pg_send(s->target, rows_sql(s, s->to, keys, n), e) &&
           copy_lines(s->source, see_line, source, bytes, e) &&
           copy_lines(s->target, see_line, target, bytes, e);
}

/* ---- judging ---- */

static char *differing_columns(struct verify_sides *s, const struct seen *a, const struct seen *b)
{
    struct buf names = {0};
    for (size_t i = 0; i < verify_columns(s->from); i++)
        if (a->columns[i] != b->columns[i])
            buf_printf(&names, "%s%s", names.len != 0 ? ", " : "", verify_column(s->from, i)->name);
    return buf_take(s->job->mem, &names);
}

/* "name=value, ..." of the columns that differ, or of all where the other side has no row. */
static char *values_of(struct verify_sides *s, const struct seen *of, const struct seen *other)
{
    struct buf b = {0};
    if (of->line == NULL)
        return NULL;
    const char *field = of->line;
    size_t left = strlen(field);
    for (size_t i = 0; i < verify_columns(s->from); i++) {
        size_t width = copy_field_length(field, left);
        if (!other->there || of->columns[i] != other->columns[i])
            buf_printf(&b, "%s%s=%.*s", b.len != 0 ? ", " : "", verify_column(s->from, i)->name, (int)width,
                       field);
        field += width < left ? width + 1 : width;
        left -= width < left ? width + 1 : width;
    }
    return buf_take(s->job->mem, &b);
}

/* Returns the key that it is on record by. */
static const char *add_difference(struct verify_sides *s, const struct seen *a, const struct seen *b)
{
    const char *key = a->there ? a->key : b->key;
    struct verify_found *f = &s->job->found;
    static char missing[] = "missing", extra[] = "extra", different[] = "different";
    struct verify_difference d = {
        .relation = s->from->id,
        .table = arena_strdup(s->job->mem, s->from->label),
        .kind = !b->there   ? missing
                : !a->there ? extra
                            : different,
        .key = arena_strdup(s->job->mem, key),
        .shown = verify_key_shown(s->job->mem, s->from, key),
        .columns = a->there && b->there ? differing_columns(s, a, b) : NULL,
        .source = values_of(s, a, b),
        .target = values_of(s, b, a),
    };
    f->missing += !b->there;
    f->extra += !a->there;
    f->different += a->there && b->there;
    verify_found_difference(s->job, &d);
    return d.key;
}

/* Equal keys may be spelled differently on the two sides, and then came twice: it is one row and one difference. */
static bool seen_before(const struct seen_rows *source, const struct seen_rows *target, size_t n)
{
    const struct seen *a = &source->items[n], *b = &target->items[n];
    if (!a->there || !b->there)
        return false;
    for (size_t i = 0; i < n; i++)
        if (source->items[i].there && target->items[i].there &&
            hash128_compare(&source->items[i].row, &a->row) == 0 &&
            hash128_compare(&target->items[i].row, &b->row) == 0)
            return true;
    return false;
}

static bool equal_now(const struct seen *a, const struct seen *b)
{
    return a->there == b->there && (!a->there || hash128_compare(&a->row, &b->row) == 0);
}

static void drop(struct verify_found *f, const struct verify_key *key)
{
    if (key->id != 0)
        f->dropped[f->ndropped++] = key->id;
}

/* One key by what it is now; true where it is to be owed again. */
static bool judge(struct verify_sides *s, const struct verify_key *key, bool owed,
                  const struct seen_rows *source, const struct seen_rows *target, size_t i)
{
    struct verify_found *f = &s->job->found;
    const struct seen *a = &source->items[i], *b = &target->items[i];
    bool repairs = s->job->world->repair;
    if (equal_now(a, b)) {
        drop(f, key);
        f->repaired += key->repaired;
        if (key->repaired)
            f->settled[f->nsettled++] = key->key;
    } else if (owed) {
        if (key->id == 0)
            verify_found_key(s->job, key->key, false);
    } else if (key->repaired) {
        return repairs; /* told already, and kept */
    } else {
        drop(f, key);
        if (seen_before(source, target, i))
            return false;
        const char *recorded = add_difference(s, a, b);
        if (repairs) /* at the next look, when it is on record that it differed */
            verify_found_key(s->job, recorded, true);
    }
    return false;
}

static bool look(struct verify_sides *s, const struct verify_key *keys, size_t n, struct err *e)
{
    const char *snapshot;
    char *values = verify_values_sql(s->a, s->from, s->from, keys, n);
    bool *owed = arena_alloc(s->a, n * sizeof *owed);
    struct verify_key *differing = arena_alloc(s->a, n * sizeof *differing);
    size_t ndiffering = 0;
    struct seen_rows source = seen_rows(s, n), target = seen_rows(s, n);
    if (!verify_look_begin(s, &snapshot, e) || !verify_look_owed(s, snapshot, values, owed, n, e) ||
        !read_both(s, keys, n, &source, &target, e) || !verify_look_end(s, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (owed[i] && !equal_now(&source.items[i], &target.items[i]))
            s->job->found.stands = arena_strdup(s->job->mem, snapshot);
        if (judge(s, &keys[i], owed[i], &source, &target, i))
            differing[ndiffering++] = keys[i];
    }
    return ndiffering == 0 ||
           capture_owe(s->source, &s->job->world->capture, s->from,
                       verify_values_sql(s->a, s->from, s->from, differing, ndiffering), s->a, e);
}

bool verify_look(struct verify_sides *s, const struct verify_key *keys, size_t n, struct err *e)
{
    struct verify_found *f = &s->job->found;
    struct arena *outer = s->a;
    if (f->dropped == NULL) {
        f->dropped = arena_alloc(s->job->mem, VERIFY_LOOK_KEYS * sizeof *f->dropped);
        f->settled = arena_alloc(s->job->mem, VERIFY_LOOK_KEYS * sizeof(*f->settled));
    }
    s->a = arena_new();
    bool ok = look(s, keys, n, e);
    arena_free(s->a);
    s->a = outer;
    return ok;
}
