/* The fork that rows are to be copied from: whether it will do, and for which tables. */
#include <stdio.h>
#include <string.h>

#include "preflight.h"
#include "repl/origin.h"

static const char side[] = "fork";

/* What nobody needs to copy any more is not looked at. Ids are those of the source's capture. */
static bool open_tables(struct look *l, struct relations *out, struct err *e)
{
    *out = (struct relations){.items = arena_alloc(l->a, (l->tables.count + 1) * sizeof *out->items)};
    for (size_t i = 0; i < l->tables.count; i++) {
        const struct target_relation *t = target_relation_of(&l->state, &l->tables.items[i]);
        if (t == NULL || !t->copied)
            out->items[out->count++] = l->tables.items[i];
    }
    return capture_assign_ids(l->source, &l->capture, out, l->a, e);
}

static void add_table(struct look *l, const struct relation *r, enum copy_has has)
{
    char bytes[32];
    const char *whole = arena_printf(l->a, "its rows (%s) are copied from the source",
                                     str_bytes(bytes, sizeof bytes, (double)r->bytes));
    const char *new_fork = "make a new fork, if the source should not bear that";
    switch (has) {
    case COPY_GIVES:
        break;
    case COPY_UNCAPTURED:
        look_add(l, FINDING_BLOCKER, "fork", side, r->label,
                 "the fork was made before this table was captured: nothing tells what changed in between",
                 arena_printf(
                     l->a,
                     "make a new fork after `repl init`; or --exclude %s; or, to copy everything from the "
                     "source: repl init --copy-from " COPY_FROM_SOURCE,
                     r->label));
        break;
    case COPY_LACKS:
        look_add(l, FINDING_WARNING, "fork", side, r->label,
                 arena_printf(l->a, "the table was made after the fork: %s", whole), new_fork);
        break;
    case COPY_ALTERED:
        look_add(
            l, FINDING_WARNING, "fork", side, r->label,
            arena_printf(l->a, "columns or unique indexes were altered after the fork was made: %s", whole),
            new_fork);
        break;
    case COPY_UNLOGGED:
        look_add(l, FINDING_WARNING, "fork", side, r->label,
                 arena_printf(l->a, "a fork does not have the rows of unlogged tables: %s", whole), NULL);
        break;
    }
}

static bool check_rights(struct look *l, struct conn *fork, const struct relations *given, struct err *e)
{
    const struct table_facts *facts;
    struct relation **list = arena_alloc(l->a, (given->count + 1) * sizeof(struct relation *));
    for (size_t i = 0; i < given->count; i++)
        list[i] = &given->items[i];
    if (!read_table_facts(l, fork, list, given->count, &facts, e))
        return false;
    for (size_t i = 0; i < given->count; i++)
        if (facts[i].known && (!facts[i].may_read || facts[i].rows_hidden))
            look_add(l, FINDING_BLOCKER, "fork", side, list[i]->label,
                     facts[i].may_read ? "row-level security would hide rows from repl"
                                       : "the role may not read the table",
                     "give --copy-from the role that owns the tables there");
    return true;
}

/* For the probe, which reads where the copy will. */
static void note_given(struct look *l, const struct relations *given)
{
    l->nfrom_fork = given->count;
    l->from_fork = arena_alloc(l->a, (given->count + 1) * sizeof(*l->from_fork));
    for (size_t i = 0; i < given->count; i++)
        l->from_fork[i] = &given->items[i];
}

static bool look_at_tables(struct look *l, struct conn *fork, struct err *e)
{
    struct relations open, given;
    enum copy_has *has;
    int64_t bytes = 0;
    char text[32];
    if (!open_tables(l, &open, e) || !fork_has(fork, l->source, &l->capture, &open, l->a, &has, e))
        return false;
    given = (struct relations){.items = arena_alloc(l->a, (open.count + 1) * sizeof *given.items)};
    for (size_t i = 0; i < open.count; i++) {
        add_table(l, &open.items[i], has[i]);
        if (has[i] != COPY_GIVES)
            continue;
        given.items[given.count++] = open.items[i];
        bytes += open.items[i].bytes;
    }
    if (!check_rights(l, fork, &given, e) || !capture_is_part(fork, l->source, &l->capture, &given, e))
        return false;
    note_given(l, &given);
    look_add(l, FINDING_OK, "fork", side, "",
             arena_printf(
                 l->a,
                 "it was made after capture: tables that are copied from it: %zu (%s), from the source: %zu",
                 given.count, str_bytes(text, sizeof text, (double)bytes), open.count - given.count),
             NULL);
    return true;
}

/* Deltas that were truncated for another target cannot bring this one what the fork lacks. */
bool deltas_are_whole(struct look *l, struct err *e)
{
    int64_t applied = 0;
    if (l->capture.sync_id[0] == '\0' || l->state.exists)
        return true;
    if (!capture_applied(l->source, &l->capture, &applied, e))
        return false;
    if (applied == 0)
        return true;
    err_set(e, ERR_CONFIG,
            "the source's record of changes has served another target up to batch %lld: what came before is "
            "no longer on it",
            (long long)applied);
    return err_hint(e, "begin anew: repl cleanup, repl init, and then a new fork");
}

static bool look_at(struct look *l, struct err *e)
{
    struct conn *fork = NULL;
    bool ok = sync_connect(l->s, SIDE_FORK, "check", &fork, e) && fork_is_one(fork, l->source, e) &&
              copy_has_capture(fork, l->source, &l->capture, e) && deltas_are_whole(l, e) &&
              look_at_tables(l, fork, e) && look_at_seats(l, fork, e);
    conn_close(fork);
    return ok;
}

bool step_fork(struct look *l, enum side unused, struct err *e)
{
    struct err why;
    if (sync_fork(l->s) != NULL && target_follows(&l->state)) {
        look_add(l, FINDING_OK, "fork", "", "",
                 "not looked at: the sync follows already, and new tables are copied from the source", NULL);
    } else if (sync_fork(l->s) != NULL) {
        if (look_at(l, &why))
            return true;
        snprintf(why.side, sizeof why.side, "%s", side);
        if (why.kind == ERR_CONFIG && why.hint[0] == '\0')
            err_hint(&why, "make a new fork that nobody writes to");
        finding_add_err(l->out, l->a, "fork", &why);
    } else if (l->s->copy_from == NULL && target_needs_fork(&l->state)) {
        look_add(l, FINDING_BLOCKER, "fork", "", "",
                 "tables are being copied from a fork, and this state directory does not know which",
                 "--copy-from URL of that fork; or, to copy what is left from the source: "
                 "--copy-from " COPY_FROM_SOURCE);
    }
    (void)e; /* what goes wrong here is about the fork, and a finding */
    (void)unused;
    return true;
}
