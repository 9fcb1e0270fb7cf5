/*
 * Where a table's first rows come from: the source, a fork of it, or what the target was restored from.
 */
#include "init_private.h"
#include "repl/fault.h"
#include "repl/origin.h"

/* Until the last step what was restored stands as it is, so an init that was killed finds it again. */
bool init_take_seed(struct init *in, struct err *e)
{
    struct server_identity source;
    struct relations taken;
    enum seed_has *has;
    const struct capture_install_options o = {.lock_timeout_ms = INIT_LOCK_MS,
                                              .give_up_ms = in->give_up_ms,
                                              .waiting = init_say_waiting,
                                              .arg = in};
    if (!in->s->seeded)
        return true;
    if (in->state.exists)
        return true;
    if (!lock_engine(in->target, in->capture.sync_id, NULL, in->interrupt, e) || !init_read_tables(in, e) ||
        !capture_assign_ids(in->source, &in->capture, &in->tables, in->a, e) ||
        !seed_has(in->target, in->source, &in->capture, &in->tables, in->a, &has, e) ||
        !capture_remove_tables(in->target, in->s->schema, &o, e) || !catalog_identity(in->source, &source, e))
        return false;
    taken = seed_taken(&in->tables, has, in->a);
    fault_point("seed.before_swap");
    if (!target_seed(in->target, in->s->schema, in->capture.sync_id, in->capture.installed.target_id, &taken,
                     &source, e))
        return err_context(e, "replacing the schema that was restored");
    in->say(in->arg,
            arena_printf(in->a,
                         "the rows of %zu tables are taken as they were restored; repl's triggers and "
                         "schema that came with them are gone from the target",
                         taken.count));
    return true;
}

static const char *origin_text(enum origin o)
{
    return o == ORIGIN_FORK ? "the fork" : "the source";
}

static bool set_origin(struct init *in, const struct relation *r, enum origin origin, struct err *e)
{
    const struct target_relation *t = target_relation_by_id(&in->state, r->id);
    if (t == NULL || t->copied || t->origin == origin)
        return true;
    if (target_began(&in->state, r))
        in->say(in->arg,
                arena_printf(in->a, "the copy of %s starts over, from %s", r->label, origin_text(origin)));
    return target_set_origin(in->target, in->s->schema, &in->state, r, origin, e);
}

/* Whoever leaves a fork before its end has taken rows from it that nobody vouches for. */
static bool leave_fork(struct init *in, struct err *e)
{
    if (in->s->copy_from == NULL || sync_fork(in->s) != NULL || !target_needs_fork(&in->state))
        return true;
    in->say(
        in->arg,
        "warning: whether somebody wrote to the fork is not looked at any more; compare the rows afterwards");
    return target_step_done(in->target, in->s->schema, STEP_FORK, e);
}

bool init_choose_origins(struct init *in, struct err *e)
{
    struct conn *fork = NULL;
    enum copy_has *has = NULL;
    if (!target_read(in->target, in->s->schema, in->a, &in->state, e))
        return false;
    bool given = sync_fork(in->s) != NULL && !target_follows(&in->state);
    bool ok = (!given || (sync_connect(in->s, SIDE_FORK, "init", &fork, e) &&
                          fork_has(fork, in->source, &in->capture, &in->tables, in->a, &has, e)));
    conn_close(fork);
    for (size_t i = 0; ok && given && i < in->tables.count; i++) {
        const struct target_relation *t = target_relation_by_id(&in->state, in->tables.items[i].id);
        in->report->from_fork += t != NULL && !t->copied && has[i] == COPY_GIVES;
    }
    /* Before the tables, so that an init that is killed in between leaves a fork that is still to be looked at. */
    ok = ok && (in->report->from_fork == 0 || target_step_undone(in->target, in->s->schema, STEP_FORK, e));
    for (size_t i = 0; ok && i < in->tables.count; i++)
        ok = set_origin(in, &in->tables.items[i], given && has[i] == COPY_GIVES ? ORIGIN_FORK : ORIGIN_SOURCE,
                        e);
    return ok && leave_fork(in, e);
}
