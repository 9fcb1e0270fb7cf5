/*
 * Capture on the tables of a sync: it is installed on those that join, and forgets those that were dropped.
 */
#include <stdlib.h>

#include "init_private.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/fault.h"

enum { SAY_EVERY_MS = 2000 };

void init_say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms)
{
    struct init *in = arg;
    uint64_t now = clock_ms();
    if (in->said_at != 0 && now - in->said_at < SAY_EVERY_MS)
        return;
    in->said_at = now;
    char *text = xasprintf("%s.%s is locked%s%s; trying again in %u ms", r->schema, r->name,
                           blocker[0] != '\0' ? " by " : "", blocker, ms);
    in->say(in->arg, text);
    free(text);
}

static void count_installed(void *arg, const struct relation *r)
{
    struct init *in = arg;
    (void)r;
    in->report->captured++;
}

/* The target first: what is killed in between is seen again. */
bool init_forget_dropped(struct init *in, struct err *e)
{
    int *ids;
    size_t n;
    if (!capture_dropped(in->source, &in->capture, in->a, &ids, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < in->state.nrelations; k++)
            if (in->state.relations[k].id == ids[i])
                in->say(in->arg, arena_printf(in->a,
                                              "%s.%s is gone from the source and leaves the sync; on the "
                                              "target it stays",
                                              in->state.relations[k].schema, in->state.relations[k].name));
        if (!target_forget(in->target, in->s->schema, ids[i], e) ||
            !capture_forget(in->source, &in->capture, ids[i], e))
            return false;
    }
    return true;
}

/* Tables that join a sync whose rows are there already need the steps after the rows again. Before they join, so that
 * an init that is killed in between does it once more. */
static bool repeat_steps(struct init *in, struct err *e)
{
    bool joined = false;
    for (size_t i = 0; i < in->tables.count; i++)
        joined = joined || target_relation_of(&in->state, &in->tables.items[i]) == NULL;
    if (!joined)
        return true;
    return pg_exec_filled(in->target, sql_init_steps_again,
                          (const struct sql_var[]){{"schema", in->s->schema}, {NULL, NULL}}, e);
}

bool init_capture_source(struct init *in, struct err *e)
{
    const struct capture_install_options o = {.lock_timeout_ms = INIT_LOCK_MS,
                                              .give_up_ms = in->give_up_ms,
                                              .waiting = init_say_waiting,
                                              .installed = count_installed,
                                              .arg = in};
    return capture_assign_ids(in->source, &in->capture, &in->tables, in->a, e) &&
           capture_install_tables(in->source, &in->capture, &in->tables, &o, e);
}

bool init_capture(struct init *in, struct err *e)
{
    if (!init_capture_source(in, e))
        return false;
    in->reached = REACHED_CAPTURED;
    fault_point("init.captured");
    return repeat_steps(in, e) && target_add_relations(in->target, in->s->schema, &in->tables, e);
}
