#include "key_sql.h"

#include <string.h>

/* With the collation where "equal" depends on it: a batch takes each key once. */
char *key_definitions(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++)
        buf_printf(&b, ", k%zu %s%s", k + 1, relation_key(r, k)->bare_type, r->key[k].folds);
    return buf_take(a, &b);
}

char *key_names(struct arena *a, const struct relation *r, const char *prefix)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_printf(&b, ", %s", prefix);
        sql_ident(&b, relation_key(r, k)->name);
    }
    return buf_take(a, &b);
}

char *key_same(struct arena *a, const struct relation *r, const char *prefix, const char *other)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? " AND " : "");
        key_column_sql(&b, r, r, k, prefix);
        buf_printf(&b, " %s ", r->key[k].eq);
        key_column_sql(&b, r, r, k, other);
    }
    return buf_take(a, &b);
}

/* A hash of the whole key of c: each column's seeds the next one's. NULL: there is none. */
static const char *hash_call(struct arena *a, const struct relation *r, uint64_t seed)
{
    const char *hash = arena_printf(a, "%llu::pg_catalog.int8", (unsigned long long)seed >> 1);
    for (size_t k = 0; k < r->nkey; k++) {
        const char *call = r->key[k].hash;
        struct buf b = {0};
        if (call[0] == '\0')
            return NULL;
        buf_puts(&b, call);
        key_column_sql(&b, r, r, k, "c.");
        buf_printf(&b, "%s, %s)", call[strlen(call) - 1] == '[' ? "]" : "", hash);
        hash = buf_take(a, &b);
    }
    return hash;
}

char *key_same_all(struct arena *a, const struct relation *r, uint64_t seed)
{
    const char *hash = hash_call(a, r, seed);
    if (hash == NULL)
        return arena_strdup(a, "false");
    return arena_printf(a,
                        "(SELECT pg_catalog.sum(%s) FROM was c) OPERATOR(pg_catalog.=) "
                        "(SELECT pg_catalog.sum(%s) FROM changed c)",
                        hash, hash);
}

char *key_numbers(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t k = 0; k < r->nkey; k++)
        buf_printf(&b, "%s%d", k != 0 ? "," : "", relation_key(r, k)->number);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

char *key_types(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t k = 0; k < r->nkey; k++)
        buf_printf(&b, "%s%u", k != 0 ? "," : "", relation_key(r, k)->type_oid);
    buf_puts(&b, "}");
    return buf_take(a, &b);
}
