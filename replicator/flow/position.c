/* The statements that move the target's position and its sequences, within the transaction of the rows. */
#include <stdlib.h>

#include "repl/embedded.h"
#include "repl/flow.h"

static char *filled(struct arena *a, const char *text, const struct sql_var *vars)
{
    char *sql = sql_fill(text, vars);
    char *kept = arena_strdup(a, sql);
    free(sql);
    return kept;
}

char *position_advance_sql(struct arena *a, const char *schema, int64_t from_batch, const char *snapshot,
                           const struct server_identity *source, const int *left_out, size_t nleft_out)
{
    struct buf ids = {0};
    buf_puts(&ids, "{");
    for (size_t i = 0; i < nleft_out; i++)
        buf_printf(&ids, "%s%d", i != 0 ? "," : "", left_out[i]);
    buf_puts(&ids, "}");
    const struct sql_var vars[] = {
        {"schema", schema},
        {"from_batch", arena_printf(a, "%lld", (long long)from_batch)},
        {"snapshot", snapshot},
        {"system_identifier", source->system_identifier},
        {"timeline", arena_printf(a, "%lld", (long long)source->timeline)},
        {"database", arena_printf(a, "%u", source->database)},
        {"left_out", arena_strdup(a, ids.data)},
        {NULL, NULL},
    };
    buf_free(&ids);
    return filled(a, sql_target_position_advance, vars);
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
    return filled(a, sql_target_position_catchup, vars);
}

char *sequence_set_sql(struct arena *a, const struct sequence_value *v)
{
    const struct sql_var vars[] = {
        {"sequence", v->sql},
        {"value", arena_printf(a, "%lld", (long long)v->value)},
        {"behind", v->up ? "<" : ">"},
        {NULL, NULL},
    };
    return filled(a, sql_target_sequence, vars);
}
