/* The texts that bring batches out of the source. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "repl/embedded.h"

/* The hash of a key's column in the deltas, NULL for a type of which none is known: values that are equal must have the
 * same one, however they are written (numeric 1.0 and 1.00). */
static char *column_hash(struct arena *a, const char *type, size_t k)
{
    static const struct {
        const char *type, *function, *cast;
    } known[] = {
        {"smallint", "hashint8", "::pg_catalog.int8"},
        {"integer", "hashint8", "::pg_catalog.int8"},
        {"bigint", "hashint8", ""},
        {"uuid", "uuid_hash", ""},
        {"numeric", "hash_numeric", ""},
        {"text", "hashtext", ""},
        {"date", "hashtext", "::pg_catalog.text"},
        {"character varying", "hashtext", "::pg_catalog.text"},
        {"timestamp", "hashtext", "::pg_catalog.text"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].type);
        if (strncmp(type, known[i].type, len) == 0 && strchr("( ", type[len]) != NULL &&
            strchr(type, '[') == NULL)
            return arena_printf(a, "pg_catalog.%s(k%zu%s)::pg_catalog.int8", known[i].function, k,
                                known[i].cast);
    }
    return NULL;
}

/* All columns that can be hashed, since the first alone may have few values. "" where none can be. */
static char *key_hash(struct arena *a, const struct relation *r)
{
    enum { COLUMNS = 4 }; /* so that the sum fits a bigint */
    char *sum = arena_strdup(a, "");
    for (size_t k = 0, taken = 0; k < r->nkey && taken < COLUMNS; k++) {
        const char *hash = column_hash(a, relation_key(r, k)->base_type, k + 1);
        if (hash != NULL)
            sum = taken++ == 0 ? arena_strdup(a, hash) : arena_printf(a, "(%s) * 31 + %s", sum, hash);
    }
    return sum;
}

bool capture_can_slice(const struct relation *r)
{
    struct arena *a = arena_new();
    bool can = key_hash(a, r)[0] != '\0';
    arena_free(a);
    return can;
}

/* Transactions below it are visible in the snapshot, as its text begins. */
static long long oldest(const char *snapshot)
{
    return strtoll(snapshot, NULL, 10);
}

static char *owed_condition(struct arena *a, const struct relation *r, const char *snapshot,
                            const struct delta_range *range, char side)
{
    /* The first comparison is cheap, and says no to nearly all that is covered. */
    char *when = arena_strdup(a, "true");
    if (snapshot[0] != '\0') {
        struct buf b = {0};
        buf_printf(&b, "xid >= %lld AND NOT pg_catalog.txid_visible_in_snapshot(xid, ", oldest(snapshot));
        sql_literal(&b, snapshot);
        buf_puts(&b, ")");
        when = buf_take(a, &b);
    }
    if (range != NULL && range->slices > 1)
        when = arena_printf(a, "pg_catalog.abs((%s) %% %d::pg_catalog.int8) = %d AND %s", key_hash(a, r),
                            range->slices, range->slice, when);
    if (range == NULL || range->side == 0)
        return when;
    if (range->side != side)
        return arena_strdup(a, "false");
    return arena_printf(a, "%s AND ctid >= '(%lld,0)'::pg_catalog.tid AND ctid < '(%lld,0)'::pg_catalog.tid",
                        when, (long long)range->from, (long long)range->to);
}

static bool sorts_cheaply(const char *type)
{
    static const char *const types[] = {"smallint", "integer", "bigint", "uuid", "date"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return strncmp(type, "timestamp", strlen("timestamp")) == 0;
}

/* In the order of the keys, the lookups of both servers walk along the index and the heap instead of jumping about.
 * Not where comparing costs more than that saves: texts of most collations. */
static const char *key_order(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey && sorts_cheaply(relation_key(r, k)->base_type); k++)
        buf_printf(&b, "%s k%zu", k == 0 ? "ORDER BY" : ",", k + 1);
    return buf_take(a, &b);
}

/* Of a table with a key: its owed rows, between copy and to. */
static char *owed_rows(struct arena *a, const struct capture *c, const struct relation *r, const char *owed_a,
                       const char *owed_b, const char *copy, const char *to)
{
    const char *only = r->partitioned ? "" : "ONLY ", *columns = list_columns(a, r, "t.");
    const struct sql_var vars[] = {
        {"copy", copy},
        {"to", to},
        /* Not a key column: a composite value with a NULL in it is not "IS NOT NULL". */
        {"present", "t.ctid IS NOT NULL"},
        {"keys", list_keys(a, r, "d.") + 2},
        {"columns", columns[0] == '\0'       ? ""
                    : relation_fits_stage(r) ? arena_printf(a, ", %s", columns)
                                             : arena_printf(a, ", ROW(%s)", columns)},
        {"distinct", list_keys(a, r, "") + 2},
        {"delta_a", name_delta(a, c, r->id, 'a')},
        {"delta_b", name_delta(a, c, r->id, 'b')},
        {"owed_a", owed_a},
        {"owed_b", owed_b},
        {"order", key_order(a, r)},
        {"table", arena_printf(a, "%s%s", only, r->sql)},
        {"on", join_keys(a, r)},
        {NULL, NULL},
    };
    return sql_filled(a, sql_capture_batch, vars);
}

char *capture_batch_sql(struct arena *a, const struct capture *c, const struct relation *r,
                        const char *snapshot, const struct delta_range *range)
{
    const char *to = arena_printf(a, ") TO STDOUT (FORMAT %s);", relation_binary(r) ? "binary" : "text");
    if (r->nkey == 0)
        return arena_printf(a, "COPY (SELECT %s FROM %s%s t%s", list_columns(a, r, "t."),
                            r->partitioned ? "" : "ONLY ", r->sql, to);
    return owed_rows(a, c, r, owed_condition(a, r, snapshot, range, 'a'),
                     owed_condition(a, r, snapshot, range, 'b'), "COPY (", to);
}

struct kept capture_batch_kept(struct arena *a, const struct capture *c, const struct relation *r,
                               const char *snapshot, int most)
{
    static const char owed[] = "xid >= $2 AND NOT pg_catalog.txid_visible_in_snapshot(xid, $1)";
    struct buf b = {0};
    sql_literal(&b, snapshot);
    buf_printf(&b, ", %lld", oldest(snapshot));
    const char *definition =
        arena_printf(a, "(pg_catalog.txid_snapshot, bigint) AS /* %s */ %s", r->shape != NULL ? r->shape : "",
                     owed_rows(a, c, r, owed, owed, "", arena_printf(a, "LIMIT %d", most)));
    struct kept k = pg_kept(a, definition, b.data);
    buf_free(&b);
    return k;
}
