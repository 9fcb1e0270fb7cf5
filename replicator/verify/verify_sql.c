#include "verify_sql.h"

#include <string.h>

#include "repl/hash.h"
#include "repl/pg.h"

/* ---- columns ---- */

size_t verify_columns(const struct relation *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->ncolumns; i++)
        n += !r->columns[i].generated;
    return n;
}

const struct column *verify_column(const struct relation *r, size_t index)
{
    for (size_t i = 0; i < r->ncolumns; i++)
        if (!r->columns[i].generated && index-- == 0)
            return &r->columns[i];
    return NULL;
}

/* The key's column as that side describes it. */
static const struct column *side_column(const struct relation *side, const struct relation *r, size_t k)
{
    const struct column *c = relation_column(side, relation_key(r, k)->name);
    return c != NULL ? c : relation_key(r, k);
}

static bool is_char(const struct column *c)
{
    return strcmp(c->base_type, "\"char\"") == 0;
}

/* "char" is spelled differently by different versions; its number is not. */
static void add_column(struct buf *b, const struct column *c)
{
    buf_puts(b, "t.");
    sql_ident(b, c->name);
    if (is_char(c))
        buf_puts(b, "::pg_catalog.\"char\"::pg_catalog.int4");
}

char *verify_columns_sql(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t i = 0; i < r->ncolumns; i++) {
        if (r->columns[i].generated)
            continue;
        buf_puts(&b, b.len != 0 ? ", " : "");
        add_column(&b, &r->columns[i]);
    }
    return buf_take(a, &b);
}

char *verify_key_sql(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? ", t." : "t.");
        sql_ident(&b, relation_key(r, k)->name);
    }
    return buf_take(a, &b);
}

char *verify_table_sql(struct arena *a, const struct relation *r)
{
    return arena_printf(a, "%s%s", r->partitioned ? "" : "ONLY ", r->sql);
}

/* ---- digests ---- */

static bool begins(const char *type, const char *with)
{
    return strncmp(type, with, strlen(with)) == 0;
}

/*
 * The hash of a column with a seed made of its name, or "" for a type that goes by its text together with others. What
 * is chosen here keeps every bit: PostgreSQL's own hash of a bigint or a time folds 64 bits to 32, and that of a number
 * or a float takes values for equal that are spelled differently, so these go by another way.
 */
static char *column_hash(struct arena *a, const struct column *c, long long seed)
{
    struct buf b = {0};
    const char *type = c->base_type;
    buf_puts(&b, "t.");
    sql_ident(&b, c->name);
    char *value = buf_take(a, &b);
    const char *call = "";
    if (strcmp(type, "integer") == 0 || strcmp(type, "smallint") == 0 || strcmp(type, "boolean") == 0)
        call = arena_printf(a, "pg_catalog.hashint4extended(%s::pg_catalog.int4, %lld::pg_catalog.int8)",
                            value, seed);
    else if (is_char(c))
        call = arena_printf(
            a, "pg_catalog.hashint4extended(%s::pg_catalog.\"char\"::pg_catalog.int4, %lld::pg_catalog.int8)",
            value, seed);
    else if (strcmp(type, "bigint") == 0)
        call = arena_printf(a,
                            "pg_catalog.hashint4extended(0, %s::pg_catalog.int8 OPERATOR(pg_catalog.#) "
                            "%lld::pg_catalog.int8)",
                            value, seed);
    else if (strcmp(type, "uuid") == 0)
        call = arena_printf(a, "pg_catalog.uuid_hash_extended(%s::pg_catalog.uuid, %lld::pg_catalog.int8)",
                            value, seed);
    else if (strcmp(type, "text") == 0 || begins(type, "character varying"))
        call = arena_printf(a,
                            "pg_catalog.hashtextextended(%s::pg_catalog.text COLLATE pg_catalog.\"C\", "
                            "%lld::pg_catalog.int8)",
                            value, seed);
    else
        return arena_strdup(a, "");
    return c->not_null ? arena_strdup(a, call)
                       : arena_printf(a, "coalesce(%s, %lld::pg_catalog.int8)", call, ~seed);
}

/* The hashes of some columns together, each with its own seed, so that values that change places are seen. */
static char *hash_of(struct arena *a, const struct column *const *columns, size_t n)
{
    static const char xor [] = " OPERATOR(pg_catalog.#) ";
    struct buf all = {0}, texts = {0};
    for (size_t i = 0; i < n; i++) {
        /* A seed from the name is the same on both sides; PostgreSQL takes no literal for the smallest bigint. */
        long long seed = (long long)(hash64_str(columns[i]->name) >> 2);
        char *one = column_hash(a, columns[i], seed);
        if (one[0] != '\0') {
            buf_printf(&all, "%s%s", all.len != 0 ? xor : "", one);
            continue;
        }
        buf_puts(&texts, texts.len != 0 ? ", t." : "t.");
        sql_ident(&texts, columns[i]->name);
    }
    if (texts.len != 0)
        buf_printf(&all,
                   "%spg_catalog.hashtextextended(ROW(%s)::pg_catalog.text COLLATE pg_catalog.\"C\", "
                   "7::pg_catalog.int8)",
                   all.len != 0 ? xor : "", texts.data);
    buf_free(&texts);
    /* Mixed once more: of plain sums of parts two rows could swap a value unseen. */
    char *sql =
        arena_printf(a, "pg_catalog.hashint4extended(0, %s)", all.len != 0 ? all.data : "0::pg_catalog.int8");
    buf_free(&all);
    return sql;
}

char *verify_hash_sql(struct arena *a, const struct relation *r)
{
    const struct column **c = arena_alloc(a, (r->ncolumns + 1) * sizeof(*c));
    size_t n = verify_columns(r);
    for (size_t i = 0; i < n; i++)
        c[i] = verify_column(r, i);
    return hash_of(a, c, n);
}

char *verify_bucket_sql(struct arena *a, const struct relation *r)
{
    const struct column **c = arena_alloc(a, (r->nkey + 1) * sizeof(*c));
    for (size_t k = 0; k < r->nkey; k++)
        c[k] = relation_key(r, k);
    return arena_printf(a, "(%s OPERATOR(pg_catalog.&) 255::pg_catalog.int8)",
                        r->nkey != 0 ? hash_of(a, c, r->nkey) : verify_hash_sql(a, r));
}

/* ---- ranges ---- */

static bool one_order(const struct relation *side, const struct relation *r)
{
    for (size_t k = 1; k < r->nkey; k++)
        if (strcmp(key_terms(side, r, k)->gt, key_terms(side, r, 0)->gt) != 0 ||
            strcmp(key_terms(side, r, k)->le, key_terms(side, r, 0)->le) != 0)
            return false;
    return r->nkey != 0;
}

bool verify_has_ranges(const struct relation *r, const struct relation *target)
{
    return one_order(r, r) && one_order(target, r);
}

char *verify_order_sql(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? ", " : "");
        key_column_sql(&b, r, r, k, "t.");
        buf_printf(&b, " USING %s", r->key[k].lt);
    }
    return buf_take(a, &b);
}

/* The fields of a key's line of COPY as literals of its columns' types, each behind a comma. */
static void add_fields(struct buf *b, const struct relation *side, const struct relation *r, const char *key,
                       const char *comma, bool as_operand)
{
    struct arena *a = arena_new();
    size_t left = strlen(key);
    for (size_t k = 0; k < r->nkey; k++) {
        size_t len = copy_field_length(key, left);
        buf_puts(b, k != 0 ? ", " : comma);
        sql_literal(b, copy_field_value(a, key, len));
        if (as_operand)
            buf_puts(b, key_terms(side, r, k)->as);
        else
            buf_printf(b, "::%s", side_column(side, r, k)->bare_type);
        key += len < left ? len + 1 : len;
        left -= len < left ? len + 1 : len;
    }
    arena_free(a);
}

static void add_comparison(struct buf *b, const struct relation *side, const struct relation *r,
                           const char *operator, const char * key)
{
    buf_puts(b, "(");
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(b, k != 0 ? ", " : "");
        key_column_sql(b, side, r, k, "t.");
    }
    buf_printf(b, ") %s (", operator);
    add_fields(b, side, r, key, "", true);
    buf_puts(b, ")");
}

char *verify_range_sql(struct arena *a, const struct relation *side, const struct relation *r,
                       const char *from, const char *to)
{
    struct buf b = {0};
    if (from != NULL)
        add_comparison(&b, side, r, key_terms(side, r, 0)->gt, from);
    if (from != NULL && to != NULL)
        buf_puts(&b, " AND ");
    if (to != NULL)
        add_comparison(&b, side, r, key_terms(side, r, 0)->le, to);
    if (b.len == 0)
        buf_puts(&b, "true");
    return buf_take(a, &b);
}

/* ---- keys ---- */

char *verify_values_sql(struct arena *a, const struct relation *side, const struct relation *r,
                        const struct verify_key *keys, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "%s(%zu", i == 0 ? "VALUES " : ", ", i);
        add_fields(&b, side, r, keys[i].key, ", ", false);
        buf_puts(&b, ")");
    }
    return buf_take(a, &b);
}

char *verify_names_sql(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    buf_puts(&b, "n");
    for (size_t k = 0; k < r->nkey; k++)
        buf_printf(&b, ", k%zu", k + 1);
    return buf_take(a, &b);
}

char *verify_on_sql(struct arena *a, const struct relation *side, const struct relation *r)
{
    return key_join_sql(a, side, r, "v.", "t.");
}

/* ---- lines of COPY ---- */

size_t copy_field_length(const char *field, size_t left)
{
    const char *tab = memchr(field, '\t', left);
    return tab != NULL ? (size_t)(tab - field) : left;
}

size_t copy_fields_length(const char *text, size_t left, size_t fields)
{
    size_t n = 0;
    for (size_t k = 0; k < fields && n < left; k++)
        n += copy_field_length(text + n, left - n) + 1;
    return n != 0 ? n - 1 : 0;
}

static const char specials[] = "\b\f\n\r\t\v\\", letters[] = "bfnrtv\\";

void copy_field_add(struct buf *b, const char *value)
{
    for (; *value != '\0'; value++) {
        const char *at = strchr(specials, *value);
        if (at != NULL)
            buf_printf(b, "\\%c", letters[at - specials]);
        else
            buf_add(b, value, 1);
    }
}

char *copy_field_value(struct arena *a, const char *field, size_t len)
{
    if (len == 2 && memcmp(field, "\\N", 2) == 0)
        return NULL;
    char *out = arena_alloc(a, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const char *at = field[i] == '\\' && i + 1 < len ? strchr(letters, field[i + 1]) : NULL;
        if (at != NULL)
            i++;
        out[n++] = at != NULL ? specials[at - letters] : field[i];
    }
    out[n] = '\0';
    return out;
}

char *verify_key_shown(struct arena *a, const struct relation *r, const char *key)
{
    struct buf b = {0};
    size_t left = strlen(key);
    for (size_t k = 0; k < r->nkey; k++) {
        size_t len = copy_field_length(key, left);
        buf_printf(&b, "%s%s=%.*s", k != 0 ? ", " : "", relation_key(r, k)->name, (int)len, key);
        key += len < left ? len + 1 : len;
        left -= len < left ? len + 1 : len;
    }
    return buf_take(a, &b);
}
