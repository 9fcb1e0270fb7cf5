/* Removes every trace of repl on both sides but the copied tables. Finds it by the catalogs, so it needs no state. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dump.h"
#include "repl/back.h"
#include "repl/ops.h"

enum { LOCK_MS = 300, GIVE_UP_MS = 600000 };

static const char *spec_of(const struct sync *s, enum side side)
{
    return side == SIDE_SOURCE ? s->source : s->target;
}

static bool no_sides(struct err *e)
{
    err_set(e, ERR_USAGE, "neither source nor target is known");
    return err_hint(e, "repl cleanup --source URL --target URL");
}

/* ---- the list ---- */

/* A side that cannot be asked is named in the list instead of what is there. */
static void list_side(const struct sync *s, enum side side, struct arena *a, struct strlist *out)
{
    struct conn *c = NULL;
    struct err e;
    if (spec_of(s, side) == NULL)
        strlist_add(out, arena_printf(a, "%s: not given, so nothing is removed there", side_name(side)));
    else if (!sync_connect(s, side, "cleanup", &c, &e) || !capture_list(c, s->schema, a, out, &e) ||
             !capture_list(c, s->twin, a, out, &e))
        strlist_add(out,
                    arena_printf(a, "%s: %s; nothing can be removed there now", side_name(side), e.text));
    conn_close(c);
}

bool cleanup_list(const struct sync *s, struct arena *a, struct strlist *out, struct err *e)
{
    if (s->source == NULL && s->target == NULL)
        return no_sides(e);
    list_side(s, SIDE_SOURCE, a, out);
    list_side(s, SIDE_TARGET, a, out);
    if (s->dir != NULL && access(s->dir, F_OK) == 0)
        strlist_add(out, arena_printf(a, "here: repl's files in %s", s->dir));
    return true;
}

/* ---- doing it ---- */

struct removal {
    const char *side;
    size_t tables;
    say_fn say;
    void *arg;
};

static void say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms)
{
    const struct removal *m = arg;
    char *text = xasprintf("%s: %s.%s is locked%s%s; trying again in %u ms", m->side, r->schema, r->name,
                           blocker[0] != '\0' ? " by " : "", blocker, ms);
    m->say(m->arg, text);
    free(text);
}

static void count_table(void *arg, const struct relation *r)
{
    struct removal *m = arg;
    (void)r;
    m->tables++;
}

/* Of one direction. The target may hold capture too: where it was restored from a copy of the source. */
static bool remove_schema(struct conn *c, const char *schema, enum side side,
                          const struct capture_install_options *o, struct err *e)
{
    return capture_remove(c, schema, o, e) && (side == SIDE_SOURCE || target_remove(c, schema, e));
}

/* The way back is the source's other way around (docs/fallback.md): what it switched off at the source is restored
 * before the source takes writes again. */
static bool remove_both(struct conn *c, const struct sync *s, enum side side, const struct removal *m,
                        const struct capture_install_options *o, struct err *e)
{
    const struct back_options back = {.say = m->say, .arg = m->arg};
    return back_wake(c, s->twin, e) && back_validate(c, s->twin, &back, e) &&
           remove_schema(c, s->schema, side, o, e) && remove_schema(c, s->twin, SIDE_TARGET, o, e);
}

static bool remove_side(const struct sync *s, enum side side, say_fn say, void *arg, struct err *e)
{
    struct conn *c = NULL;
    struct strlist there = {0};
    struct arena *a = arena_new();
    struct removal m = {.side = side_name(side), .say = say, .arg = arg};
    const struct capture_install_options o = {.lock_timeout_ms = LOCK_MS,
                                              .give_up_ms = GIVE_UP_MS,
                                              .waiting = say_waiting,
                                              .installed = count_table,
                                              .arg = &m};
    bool ok = sync_connect(s, side, "cleanup", &c, e) && capture_list(c, s->schema, a, &there, e) &&
              capture_list(c, s->twin, a, &there, e) && remove_both(c, s, side, &m, &o, e);
    if (ok && there.count == 0)
        say(arg, arena_printf(a, "%s: nothing of repl's was there", m.side));
    else if (ok && m.tables == 0)
        say(arg, arena_printf(a, "%s: schema %s is gone", m.side, s->schema));
    else if (ok)
        say(arg, arena_printf(a, "%s: triggers of %zu tables and schema %s are gone", m.side, m.tables,
                              s->schema));
    strlist_free(&there);
    arena_free(a);
    conn_close(c);
    return ok;
}

/* The first side that is left is the error; both are told. */
static void leave(const struct sync *s, enum side side, const struct err *why, say_fn say, void *arg,
                  struct err *e)
{
    char *text = xasprintf("%s: NOT removed: schema %s and what belongs to it (%s)", side_name(side),
                           s->schema, why->text);
    say(arg, text);
    free(text);
    if (e->kind != ERR_NONE)
        return;
    *e = *why;
    err_context(e, "the %s still holds repl's objects", side_name(side));
    err_hint(e, "when that is solved: repl cleanup again, with --%s URL if the state directory is lost",
             side_name(side));
}

bool cleanup_run(const struct sync *s, say_fn say, void *arg, struct err *e)
{
    const enum side sides[] = {SIDE_SOURCE, SIDE_TARGET};
    err_clear(e);
    if (s->source == NULL && s->target == NULL)
        return no_sides(e);
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct err why;
        if (!remove_side(s, sides[i], say, arg, &why))
            leave(s, sides[i], &why, say, arg, e);
    }
    if (e->kind != ERR_NONE)
        return false;
    if (s->dir == NULL || access(s->dir, F_OK) != 0)
        return true;
    dump_remove(s->dir);
    return state_remove(s->dir, e);
}
