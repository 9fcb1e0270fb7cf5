/* Where the rows of the first copy come from: the source, a fork of it, or the target's own restore of such a fork. It
 * stands on the target, with the chunks that were copied from there. */
#include "target_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/version.h"

static const char *const names[] = {
    [ORIGIN_SOURCE] = "source", [ORIGIN_FORK] = "fork", [ORIGIN_SEED] = "seed"};

enum origin origin_of(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (enum origin)i;
    return ORIGIN_SOURCE;
}

static bool has_plan(const struct target_state *s, int id)
{
    for (size_t i = 0; i < s->nheaps; i++)
        if (s->heaps[i].relation == id)
            return true;
    return false;
}

/* Emptied first: a kill in between leaves an empty table with its old origin. */
bool target_set_origin(struct conn *db, const char *schema, const struct target_state *state,
                       const struct relation *r, enum origin origin, struct err *e)
{
    char id[16];
    const struct target_relation *t = target_relation_by_id(state, r->id);
    if (t != NULL && t->origin == origin)
        return true;
    if (has_plan(state, r->id) && !target_restart_copy(db, schema, r, e))
        return false;
    snprintf(id, sizeof id, "%d", r->id);
    return target_exec(
        db, sql_target_origin,
        (const struct sql_var[]){{"schema", schema}, {"id", id}, {"origin", names[origin]}, {NULL, NULL}}, e);
}

static char *seeded_values(const struct relations *l)
{
    struct buf b = {0};
    for (size_t i = 0; i < l->count; i++) {
        buf_printf(&b, "%s(%d, ", i != 0 ? ", " : "", l->items[i].id);
        sql_literal(&b, l->items[i].schema);
        buf_puts(&b, ", ");
        sql_literal(&b, l->items[i].name);
        buf_puts(&b, ", true, 'seed')");
    }
    return b.data;
}

bool target_seed(struct conn *db, const char *schema, const char *sync_id, const char *target_id,
                 const struct relations *l, const struct server_identity *source, struct err *e)
{
    char version[16], timeline[24], database[16];
    char *values = seeded_values(l);
    snprintf(version, sizeof version, "%d", REPL_SCHEMA_VERSION);
    snprintf(timeline, sizeof timeline, "%lld", (long long)source->timeline);
    snprintf(database, sizeof database, "%u", source->database);
    const struct sql_var made[] = {{"schema", schema},
                                   {"sync_id", sync_id},
                                   {"version", version},
                                   {"target_id", target_id},
                                   {NULL, NULL}};
    char *schema_sql = target_schema_sql(made, schema);
    const struct sql_var vars[] = {{"schema", schema},
                                   {"make", schema_sql},
                                   {"relations", values},
                                   {"system_identifier", source->system_identifier},
                                   {"timeline", timeline},
                                   {"database", database},
                                   {NULL, NULL}};
    bool ok = target_exec(db, sql_target_seed, vars, e);
    free(schema_sql);
    free(values);
    return ok;
}

bool target_step_undone(struct conn *db, const char *schema, const char *step, struct err *e)
{
    return target_exec(db, sql_target_step_undone,
                       (const struct sql_var[]){{"schema", schema}, {"step", step}, {NULL, NULL}}, e);
}
