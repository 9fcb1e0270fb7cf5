#include "stages.h"

#include <stdlib.h>

#include "repl/embedded.h"
#include "repl/hash.h"

enum { KEPT = 32 };

struct stages {
    uint64_t names[KEPT];
    size_t count; /* may stand above KEPT: then the names are no longer noted */
};

struct stages *stages_new(void)
{
    return xcalloc(1, sizeof(struct stages));
}

void stages_free(struct stages *s)
{
    free(s);
}

static void note(struct stages *st, uint64_t name)
{
    for (size_t i = 0; i < st->count && i < KEPT; i++)
        if (st->names[i] == name)
            return;
    if (st->count < KEPT)
        st->names[st->count] = name;
    st->count++;
}

void stages_add(struct script *s, struct arena *a, struct stages *stages, struct apply_table *t)
{
    const char *name = t->stage = stage_name(a, t);
    const struct sql_var vars[] = {{"stage", name}, {"columns", stage_columns(a, t)}, {NULL, NULL}};
    char *sql = sql_fill(sql_target_stage, vars);
    note(stages, hash64_str(name));
    script_add(s, STEP_OTHER, NULL, sql);
    free(sql);
}

bool stages_settle(struct stages *stages, struct conn *target, struct err *e)
{
    if (stages->count <= KEPT)
        return true;
    stages_forget(stages);
    return pg_exec(target, "DISCARD TEMP", e);
}

void stages_forget(struct stages *stages)
{
    stages->count = 0;
}
