/* The statements that move the target's position and its sequences, within the transaction of the rows. */
#include "position.h"
#include "repl/embedded.h"

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

const char *position_written_definition(struct arena *a, const char *schema, int step_of)
{
    const struct sql_var vars[] = {
        {"schema", schema}, {"number", "$1"}, {"lsn", "$2"}, {"id", "$2"}, {NULL, NULL}};
    return step_of == 0
               ? arena_printf(a, "(bigint, pg_lsn) AS %s", sql_filled(a, sql_target_position_written, vars))
               : arena_printf(a, "(bigint, int) AS %s", sql_filled(a, sql_target_step_written, vars));
}

const char *position_commit_sql(struct arena *a, const char *schema, int step_of, const struct written *w)
{
    const char *params = step_of == 0 ? arena_printf(a, "%lld, %s", (long long)w->number, literal(a, w->lsn))
                                      : arena_printf(a, "%lld, %d", (long long)w->number, step_of);
    return arena_printf(a, "%s; COMMIT",
                        pg_kept(a, position_written_definition(a, schema, step_of), params).execute);
}

char *position_catchup_sql(struct arena *a, const char *schema, int id, const char *goal, bool first,
                           struct step_place from, struct step_place to, bool finished)
{
    const struct sql_var vars[] = {
        {"schema", schema},
        {"id", arena_printf(a, "%d", id)},
        {"goal", goal},
        {"first", first ? "true" : "false"},
        {"from_side", arena_printf(a, "%c", from.side)},
        {"from_block", arena_printf(a, "%lld", (long long)from.block)},
        {"side", arena_printf(a, "%c", to.side)},
        {"block", arena_printf(a, "%lld", (long long)to.block)},
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
