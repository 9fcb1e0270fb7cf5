/* The statements that move the target's position and its sequences, within the transaction of the rows. */
#include "repl/embedded.h"
#include "repl/flow.h"

static const char *literal(struct arena *a, const char *text)
{
    struct buf b = {0};
    sql_literal(&b, text);
    return buf_take(a, &b);
}

struct kept position_advance(struct arena *a, const char *schema, int64_t from_batch, const char *snapshot,
                             const struct server_identity *source, const int *left_out, size_t nleft_out)
{
    const struct sql_var vars[] = {{"schema", schema},          {"from_batch", "$1"}, {"snapshot", "$2"},
                                   {"system_identifier", "$3"}, {"timeline", "$4"},   {"database", "$5"},
                                   {"left_out", "$6"},          {NULL, NULL}};
    struct buf ids = {0};
    buf_puts(&ids, "{");
    for (size_t i = 0; i < nleft_out; i++)
        buf_printf(&ids, "%s%d", i != 0 ? "," : "", left_out[i]);
    buf_puts(&ids, "}");
    const char *params = arena_printf(a, "%lld, %s, %s, %lld, %u, %s", (long long)from_batch,
                                      literal(a, snapshot), literal(a, source->system_identifier),
                                      (long long)source->timeline, source->database, literal(a, ids.data));
    buf_free(&ids);
    return pg_kept(a,
                   arena_printf(a, "(bigint, text, text, bigint, bigint, text) AS %s",
                                sql_filled(a, sql_target_position_advance, vars)),
                   params);
}

char *position_catchup_sql(struct arena *a, const char *schema, int id, const char *goal, char side,
                           int64_t block, bool finished)
{
    const struct sql_var vars[] = {
        {"schema", schema},
        {"id", arena_printf(a, "%d", id)},
        {"goal", goal},
        {"side", arena_printf(a, "%c", side)},
        {"block", arena_printf(a, "%lld", (long long)block)},
        {"finished", finished ? "true" : "false"},
        {NULL, NULL},
    };
    return sql_filled(a, sql_target_position_catchup, vars);
}

char *sequence_set_sql(struct arena *a, const struct sequence_value *v)
{
    const struct sql_var vars[] = {
        {"sequence", v->sql},
        {"value", arena_printf(a, "%lld", (long long)v->value)},
        {"behind", v->exact ? "<>"
                   : v->up  ? "<"
                            : ">"},
        {NULL, NULL},
    };
    return sql_filled(a, sql_target_sequence, vars);
}
