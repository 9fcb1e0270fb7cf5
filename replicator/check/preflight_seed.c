/* The rows that the target was restored with: whether they can be taken, and of which tables. */
#include <stdio.h>
#include <string.h>

#include "preflight.h"
#include "repl/origin.h"

static void add_table(struct look *l, const struct relation *r, enum seed_has has)
{
    char bytes[32];
    if (has == SEED_UNCAPTURED)
        look_add(
            l, FINDING_BLOCKER, "seed", "target", r->label,
            "its rows were copied before this table was captured: nothing tells what changed in between",
            arena_printf(l->a,
                         "TRUNCATE %s there: it is then copied from the source; or restore from a newer fork",
                         r->sql));
    else if (has == SEED_PARTLY)
        look_add(l, FINDING_BLOCKER, "seed", "target", r->label,
                 "a partition is unlogged, and its rows do not come with a fork",
                 arena_printf(l->a, "TRUNCATE %s there: it is then copied from the source", r->sql));
    else if (has == SEED_EMPTY && r->bytes > 0)
        look_add(l, FINDING_WARNING, "seed", "target", r->label,
                 arena_printf(
                     l->a, "the target was restored without rows of it: they are copied from the source (%s)",
                     str_bytes(bytes, sizeof bytes, (double)r->bytes)),
                 NULL);
}

static bool look_at(struct look *l, struct err *e)
{
    enum seed_has *has;
    struct relations known = {.items = arena_alloc(l->a, (l->tables.count + 1) * sizeof *known.items),
                              .count = l->tables.count};
    memcpy(known.items, l->tables.items, l->tables.count * sizeof *known.items);
    if (!copy_has_capture(l->target, l->source, &l->capture, e) || !deltas_are_whole(l, e) ||
        !capture_assign_ids(l->source, &l->capture, &known, l->a, e) ||
        !seed_has(l->target, l->source, &l->capture, &known, l->a, &has, e))
        return false;
    for (size_t i = 0; i < known.count; i++)
        add_table(l, &known.items[i], has[i]);
    const struct relations taken = seed_taken(&known, has, l->a);
    if (taken.count == 0)
        return err_set(e, ERR_CONFIG,
                       "no table of the source has rows there that were restored from a copy of it");
    if (!capture_is_part(l->target, l->source, &l->capture, &taken, e))
        return false;
    look_add(l, FINDING_OK, "seed", "target", "",
             arena_printf(
                 l->a,
                 "it was restored from a copy that was made after capture: tables whose rows are taken: %zu",
                 taken.count),
             NULL);
    return true;
}

static void refuse_restored(struct look *l)
{
    look_add(
        l, FINDING_BLOCKER, "schema", "target", "",
        arena_printf(
            l->a,
            "the target was restored from a copy of a database that repl captured: schema %s and its "
            "triggers came along",
            l->s->schema),
        arena_printf(
            l->a,
            "to go on from the rows that are there: repl init --seeded; to copy them anew: on the target "
            "DROP SCHEMA \"%s\" CASCADE, then repl init --overwrite",
            l->s->schema));
}

static bool holds_rows(struct look *l, bool *any, struct err *e)
{
    bool *rows = arena_alloc(l->a, (l->tables.count + 1) * sizeof *rows);
    memset(rows, 0, (l->tables.count + 1) * sizeof *rows);
    if (!seed_rows(l->source, l->target, l->s->schema, &l->tables, l->a, rows, e))
        return false;
    *any = false;
    for (size_t i = 0; i < l->tables.count; i++)
        *any = *any || rows[i];
    return true;
}

/* Without capture's schema the target is still to be restored, or nothing proves what it holds. */
static bool look_at_bare(struct look *l, struct err *e)
{
    bool any;
    if (!holds_rows(l, &any, e))
        return false;
    if (!any)
        look_add(l, FINDING_OK, "seed", "target", "",
                 "it is still to be restored: from a fork that is made when capture is on the source", NULL);
    else if (l->capture.sync_id[0] == '\0')
        look_add(l, FINDING_BLOCKER, "seed", "target", "",
                 "its rows were copied before capture was installed on the source: nothing tells what "
                 "changed since",
                 "give an empty target; init installs capture then, and says when to make the fork to "
                 "restore from");
    else
        look_add(
            l, FINDING_BLOCKER, "seed", "target", "",
            arena_printf(l->a,
                         "nothing shows that its rows were copied after capture was installed: the schema %s "
                         "did not come along",
                         l->s->schema),
            arena_printf(
                l->a,
                "restore with that schema; from a fork that nobody wrote to it can be brought later, "
                "too: pg_dump -n '%s' -O -x FORK | psql TARGET",
                l->s->schema));
    return true;
}

bool step_seed(struct look *l, enum side side, struct err *e)
{
    struct err why;
    (void)side;
    if (!l->s->seeded && l->restored)
        refuse_restored(l);
    if (!l->s->seeded || l->state.exists) /* where it is, an init has taken the seed */
        return true;
    l->seed_judged = true;
    if (!l->restored)
        return l->facts[SIDE_TARGET].schema_exists || look_at_bare(l, e);
    if (look_at(l, &why))
        return true;
    if (why.kind != ERR_CONFIG) {
        *e = why;
        return false;
    }
    err_context(&why, "the copy that it was restored from");
    if (why.hint[0] == '\0')
        err_hint(&why,
                 "restore the target from a fork that was made after `repl init` and that nobody writes to");
    snprintf(why.side, sizeof why.side, "%s", side_name(SIDE_TARGET));
    finding_add_err(l->out, l->a, "seed", &why);
    return true;
}
