/*
 * An opening finds what became of the keys whose values capture records. A column of the key that was only renamed:
 * capture's functions get the new name, and nothing else is to be done. Another key, a column of it that is gone or has
 * another type, or a trigger that somebody took away: the table's capture is made anew and the table copied anew, beside
 * the others. Where capture still works that waits until the target has the same key; where it does not, the
 * application's writes and what they change come first.
 */
#include <string.h>

#include "jobs.h"
#include "repl/clock.h"
#include "repl/fault.h"

enum { LOCK_MS = 300, TRIES = 5 };

void world_say(struct world *w, char *text)
{
    char **items = arena_alloc(w->mem, (w->said.count + 1) * sizeof *items);
    for (size_t i = 0; i < w->said.count; i++)
        items[i] = w->said.items[i];
    items[w->said.count] = text;
    w->said.items = items;
    w->said.count++;
}

static size_t width(const struct relation *r)
{
    return r->nkey_now != 0 ? r->nkey_now : r->nkey;
}

/* In the first copy the target gets its keys behind the rows: those that the source has by then. Until all are there any of
 * them may be the first. */
static bool keys_come_later(const struct world *w, const struct relation *target)
{
    for (size_t i = 0; i < w->state.steps.count; i++)
        if (strcmp(w->state.steps.items[i], "indexes") == 0)
            return false;
    return target->key_kind != KEY_PRIMARY;
}

bool mend_same_key(const struct world *w, const struct relation *source, const struct relation *target)
{
    if (keys_come_later(w, target))
        return true;
    if (width(source) != target->nkey)
        return false;
    for (size_t k = 0; k < target->nkey; k++)
        if (!relation_key_has(target, relation_key(source, k)->name))
            return false;
    return true;
}

/* Another key than capture's, on which both sides agree. */
static bool key_is_agreed(const struct world *w, struct relation *r, const struct relations *targets)
{
    struct err ignored; /* said when tables are matched */
    const struct relation *t = relations_twin(targets, r);
    return (r->key_was != NULL || r->nkey_now != 0) && t != NULL && catalog_compatible(r, t, &ignored) &&
           mend_same_key(w, r, t);
}

/* Not at any price: a table that is locked by others is left for a later opening. */
static bool renew(struct conn *source, const struct capture *c, const struct relation *r, bool *done,
                  struct err *e)
{
    struct backoff wait = {.base_ms = 100, .max_ms = 1000};
    *done = false;
    for (int i = 0; i < TRIES; i++) {
        if (capture_renew_table(source, c, r, LOCK_MS, e)) {
            *done = true;
            return true;
        }
        if (!err_is_lock(e))
            return err_relation(e, r);
        clock_sleep_ms(backoff_next_ms(&wait));
    }
    return true;
}

/* The target first: what capture holds goes, so the table must be known as owed whole. */
static bool copy_anew(struct world *w, const struct relation *r, struct conn *source, struct conn *target,
                      bool *mended, struct err *e)
{
    struct relation now = *r;
    int64_t number;
    bool done;
    now.nkey = width(r);
    if (!capture_written(source, &w->capture, w->state.mark.number, &number, e) ||
        !target_begin_afresh(target, w->capture.schema, r->id, number, e))
        return false;
    fault_point("mend.marked");
    if (!capture_rely(source, &w->capture, number, w->state.batch, e) ||
        !renew(source, &w->capture, &now, &done, e))
        return false;
    if (done)
        world_say(w, arena_printf(w->mem, "%s has another key, or its capture was broken: it is copied anew",
                                  r->label));
    w->unfinished = w->unfinished || !done;
    *mended = *mended || done;
    return true;
}

bool mend_keys(struct world *w, const struct relations *targets, struct conn *source, struct conn *target,
               bool *mended, struct err *e)
{
    *mended = false;
    /* Behind a fence nothing is written; what became of keys can wait. */
    for (size_t i = 0; !w->fenced && i < w->relations.count; i++) {
        struct relation *r = &w->relations.items[i];
        if (r->id == 0)
            continue;
        if (r->key_renamed && !r->capture_broken) {
            if (!capture_rename_key(source, &w->capture, r, e))
                return false;
            world_say(w,
                      arena_printf(w->mem, "%s: columns of its key were renamed; capture follows", r->label));
            *mended = true;
        } else if ((r->capture_broken || key_is_agreed(w, r, targets)) &&
                   !copy_anew(w, r, source, target, mended, e)) {
            return false;
        }
    }
    return true;
}
