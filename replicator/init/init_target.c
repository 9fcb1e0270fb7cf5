/* Which target the source is moved to: recorded on both sides, so that no second init, and no name that leads elsewhere by now,
 * turns a sync to another one unasked. */
#include <stdlib.h>
#include <string.h>

#include "init_private.h"
#include "repl/fault.h"
#include "repl/fence.h"
#include "repl/schema.h"

/* ---- the source ---- */

bool init_same_source(struct init *in, struct err *e)
{
    char *known = NULL;
    if (!state_get(in->st, "sync_id", &known, e))
        return false;
    bool same = known == NULL || strcmp(known, in->capture.sync_id) == 0;
    free(known);
    if (same)
        return true;
    char *shown = dsn_safe(in->s->source);
    if (in->capture.sync_id[0] != '\0')
        err_set(e, ERR_CONFIG, "%s is not the source that %s moves: another sync is installed there", shown,
                in->s->dir);
    else
        err_set(e, ERR_CONFIG, "%s is not the source that %s moves, or repl's schema %s was dropped there",
                shown, in->s->dir, in->s->schema);
    free(shown);
    return err_hint(
        e, "another source is another move, with a directory of its own: repl -D DIR init ...; to end this "
           "one: repl cleanup");
}

/* ---- the target ---- */

static bool refuse_other(struct init *in, struct err *e)
{
    err_set(e, ERR_CONFIG, "this source is being moved to %s already, not to %s",
            in->capture.installed.target_name, in->name.shown);
    return err_hint(
        e,
        "for a second target beside it: repl -D DIR init --schema NAME ...; to move it here instead, with a "
        "copy from the start: --change-target");
}

static bool name_new_target(struct init *in, struct err *e)
{
    char *id = NULL;
    bool ok = pg_value(in->target, "SELECT pg_catalog.gen_random_uuid()", 0, NULL, &id, e) &&
              capture_set_target(in->source, &in->capture, id, in->name.shown, in->name.system, e);
    free(id);
    return ok;
}

/* What it was told when it was this source's target before is of another time. */
static bool turn_to_other(struct init *in, struct err *e)
{
    if (!in->s->change_target)
        return refuse_other(in, e);
    in->say(in->arg, arena_printf(in->a, "the source was moved to %s; from now on it is moved to %s",
                                  in->capture.installed.target_name, in->name.shown));
    return (!in->state.exists || target_remove(in->target, in->s->schema, e)) && name_new_target(in, e);
}

static bool name_target(struct init *in, struct err *e)
{
    switch (sync_judge_target(&in->capture, &in->state, &in->name)) {
    case TARGET_FIRST:
        return name_new_target(in, e);
    case TARGET_SAME:
    case TARGET_UNMADE:
        return capture_name_target(in->source, &in->capture, in->name.shown, in->name.system, e);
    case TARGET_LOST:
        in->say(in->arg, "repl's tables are gone from the target: the copy begins again");
        return name_new_target(in, e);
    case TARGET_OTHER:
        break;
    }
    return turn_to_other(in, e);
}

/* The source's record comes first: an init that is killed in between finds its target by it. */
bool init_pair(struct init *in, struct err *e)
{
    if (!target_read(in->target, in->s->schema, in->a, &in->state, e) || !name_target(in, e))
        return false;
    fault_point("init.between_sides");
    if (!init_take_seed(in, e) ||
        !target_install(in->target, in->s->schema, in->capture.sync_id, in->capture.installed.target_id, e))
        return false;
    in->reached = REACHED_TARGET;
    fault_point("init.both_sides");
    return lock_engine(in->target, in->capture.sync_id, NULL, in->interrupt, e) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e);
}

/* ---- a second attempt ---- */

static bool nothing_recorded(struct err *e)
{
    err_set(e, ERR_CONFIG,
            "the target has no record of what repl made there, so nothing can be dropped (a cleanup "
            "takes the record away)");
    return err_hint(
        e, "drop the tables yourself, or give an empty database; or repl init --overwrite, which empties the "
           "tables and fills them with their indexes in place");
}

/* The application may write at the target by now. */
static bool may_drop(struct init *in, struct err *e)
{
    struct cutover_now now;
    if (!fence_read(in->source, &in->capture, in->a, &now, e))
        return false;
    if (now.closed) {
        err_set(e, ERR_CONFIG,
                "writes to the source are switched off by a cutover: the target may be in use");
        return err_hint(e, "repl cutover --abort first, where the application still uses the source");
    }
    if (in->capture.sync_id[0] == '\0' || strcmp(in->capture.sync_id, in->state.sync_id) == 0)
        return true;
    err_set(e, ERR_CONFIG, "the target holds the sync %s, the source %s", in->state.sync_id,
            in->capture.sync_id);
    return err_hint(e, "check --source and --target");
}

static bool drop_made(struct init *in, const struct made *m, struct err *e)
{
    char *question =
        xasprintf("Drop %zu tables and %zu other objects that repl made on the target, with all their rows?",
                  m->tables, m->others);
    bool ok = true;
    for (size_t i = 0; i < m->lines.count; i++)
        in->say(in->arg, m->lines.items[i]);
    if (m->tables + m->others != 0)
        ok = in->ask(in->arg, question, e);
    free(question);
    return ok && schema_drop_made(in->target, in->s->schema, e);
}

bool init_recreate(struct init *in, struct err *e)
{
    struct made m;
    if (!in->s->recreate)
        return true;
    if (!target_read(in->target, in->s->schema, in->a, &in->state, e))
        return false;
    if (!in->state.exists)
        return nothing_recorded(e);
    return may_drop(in, e) && lock_engine(in->target, in->state.sync_id, NULL, in->interrupt, e) &&
           schema_list_made(in->target, in->s->schema, in->a, &m, e) && drop_made(in, &m, e);
}
