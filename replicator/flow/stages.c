#include "stages.h"

#include <stdlib.h>

#include "fan.h"
#include "repl/embedded.h"
#include "repl/hash.h"

struct stages {
    uint64_t names[STAGES_KEPT];
    size_t count; /* may stand above STAGES_KEPT: then the names are no longer noted */
};

struct stages *stages_new(void)
{
    return xcalloc(1, sizeof(struct stages));
}

void stages_free(struct stages *s)
{
    free(s);
}

static bool knows(const struct stages *st, uint64_t name)
{
    for (size_t i = 0; i < st->count && i < STAGES_KEPT; i++)
        if (st->names[i] == name)
            return true;
    return false;
}

static void note(struct stages *st, uint64_t name)
{
    if (st->count < STAGES_KEPT)
        st->names[st->count] = name;
    st->count++;
}

bool stages_make(struct conn *target, const struct apply *ap, struct arena *a, struct err *e)
{
    struct buf b = {0};
    for (size_t i = 0; i < ap->ntables; i++) {
        struct apply_table *t = &ap->tables[i];
        if (fan_has(ap, t))
            continue;
        t->stage = stage_name(a, t);
        uint64_t name = hash64_str(t->stage);
        if (knows(ap->stages, name))
            continue;
        const struct sql_var vars[] = {{"stage", t->stage}, {"columns", stage_columns(a, t)}, {NULL, NULL}};
        stage_row(&b, a, t);
        char *sql = sql_fill(sql_target_stage, vars);
        buf_puts(&b, sql);
        free(sql);
        note(ap->stages, name);
    }
    bool ok = b.len == 0 || pg_exec(target, b.data, e);
    buf_free(&b);
    return ok;
}

bool stages_settle(struct stages *stages, struct conn *target, struct err *e)
{
    if (stages->count <= STAGES_KEPT)
        return true;
    stages_forget(stages);
    pg_kept_forget(target); /* some take rows of the stages' types */
    return pg_exec(target, "DISCARD TEMP", e);
}

void stages_forget(struct stages *stages)
{
    stages->count = 0;
}
