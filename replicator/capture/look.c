/* What a comparison under live traffic needs of the deltas: that they stay for a moment, which keys are owed, and that
 * keys can be owed again. The argument is in docs/verify.md. */
#include <string.h>

#include "names.h"
#include "repl/embedded.h"

/* "d.k1 = v.k1 AND ..."; without a key every delta row is about every row. */
static char *same_keys(struct arena *a, const struct relation *r)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? " AND " : "");
        key_value_sql(&b, r, r, k, "d.");
        buf_printf(&b, " %s ", r->key[k].eq);
        key_value_sql(&b, r, r, k, "v.");
    }
    char *on = arena_strdup(a, r->nkey != 0 ? buf_text(&b) : "true");
    buf_free(&b);
    return on;
}

char *capture_hold_sql(struct arena *a, const struct capture *c, const struct relation *r)
{
    const struct sql_var vars[] = {
        {"lock_table", arena_printf(a, "%s%s", r->partitioned ? "" : "ONLY ", r->sql)},
        {"delta_a", name_delta(a, c, r->id, 'a')},
        {"delta_b", name_delta(a, c, r->id, 'b')},
        {"truncation_a", name_of(a, c, "truncation_a")},
        {"truncation_b", name_of(a, c, "truncation_b")},
        {NULL, NULL},
    };
    return sql_filled(a, sql_capture_hold, vars);
}

char *capture_owed_keys_sql(struct arena *a, const struct capture *c, const struct relation *r,
                            const char *snapshot, const char *values)
{
    struct buf owed = {0};
    if (snapshot[0] == '\0') {
        buf_puts(&owed, "true");
    } else {
        buf_puts(&owed, "NOT pg_catalog.txid_visible_in_snapshot(xid, ");
        sql_literal(&owed, snapshot);
        buf_puts(&owed, ")");
    }
    const struct sql_var vars[] = {
        {"values", values},
        {"names", arena_printf(a, "n%s", list_keys(a, r, ""))},
        {"deltas", r->nkey != 0 ? list_keys(a, r, "") + 2 : "xid"},
        {"delta_a", name_delta(a, c, r->id, 'a')},
        {"delta_b", name_delta(a, c, r->id, 'b')},
        {"truncation_a", name_of(a, c, "truncation_a")},
        {"truncation_b", name_of(a, c, "truncation_b")},
        {"owed", buf_text(&owed)},
        {"on", same_keys(a, r)},
        {"id", arena_printf(a, "%d", r->id)},
        {NULL, NULL},
    };
    char *sql = sql_filled(a, sql_capture_owed_keys, vars);
    buf_free(&owed);
    return sql;
}

bool capture_owe(struct conn *db, const struct capture *c, const struct relation *r, const char *values,
                 struct arena *a, struct err *e)
{
    const struct sql_var vars[] = {
        {"values", values},
        {"names", arena_printf(a, "n%s", list_keys(a, r, ""))},
        {"keys", list_keys(a, r, "v.")},
        {"side", name_of(a, c, "side")},
        {"delta_a", name_delta(a, c, r->id, 'a')},
        {"delta_b", name_delta(a, c, r->id, 'b')},
        {NULL, NULL},
    };
    return pg_exec(db, arena_printf(a, "%s%s", sql_filled(a, sql_capture_owe, vars), ring_sql(a, c, r)), e) ||
           err_relation(e, r);
}
