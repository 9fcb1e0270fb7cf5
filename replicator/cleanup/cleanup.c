/* Removes every trace of repl on both sides but the copied tables. Finds it by the catalogs, so it needs no state. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "private.h"
#include "repl/back.h"
#include "repl/fault.h"
#include "repl/schema.h"

enum { LOCK_MS = 300 };
/* In an emergency the application waits less, and whoever typed it too: what is left by then does nothing any more. */
enum { EMERGENCY_LOCK_MS = 100, EMERGENCY_GIVE_UP_MS = 15000 };

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
    if (s->dir != NULL && state_files(s->dir))
        strlist_add(out, arena_printf(a, "here: repl's files in %s", s->dir));
    return true;
}

/* ---- doing it ---- */

void removal_tell(const struct removal *m, const char *fmt, ...)
{
    char *text, *line;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort(); /* out of memory */
    va_end(ap);
    line = xasprintf("%s: %s", side_name(m->side), text);
    m->how->say(m->how->arg, line);
    free(line);
    free(text);
}

static void say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms)
{
    removal_tell(arg, "%s.%s is locked%s%s; trying again in %u ms", r->schema, r->name,
                 blocker[0] != '\0' ? " by " : "", blocker, ms);
}

static void count_table(void *arg, const struct relation *r)
{
    struct removal *m = arg;
    (void)r;
    m->tables++;
}

static bool look(struct removal *m, struct err *e)
{
    struct strlist there = {0};
    struct arena *a = arena_new();
    bool ok = capture_list(m->c, m->s->schema, a, &there, e) && capture_list(m->c, m->s->twin, a, &there, e);
    m->anything = there.count != 0;
    strlist_free(&there);
    arena_free(a);
    return ok;
}

/*
 * The application first, wherever it is: from here on it waits for nothing but a lock, and that not for long. What the way
 * back (docs/fallback.md) switched off at the source is restored before the source takes writes again.
 */
static bool free_application(struct removal *m, struct err *e)
{
    const bool source = m->side == SIDE_SOURCE;
    int64_t functions = 0, of_twin = 0;
    if (!sync_connect(m->s, m->side, "cleanup", &m->c, e) || !look(m, e) ||
        (source && !reopen_decided(m, e)) || !back_wake(m->c, m->s->twin, e) ||
        !capture_disarm(m->c, m->s->schema, source, &functions, e) ||
        !capture_disarm(m->c, m->s->twin, !source, &of_twin, e))
        return false;
    if (functions + of_twin != 0)
        removal_tell(m, "capture is off: writes go through and leave no trace");
    fault_point("cleanup.disarmed");
    return true;
}

/* Of one direction. The target may hold capture too: where it was restored from a copy of the source. */
static bool drop_schema(struct removal *m, const char *schema, bool target,
                        const struct capture_install_options *o, struct err *e)
{
    return capture_remove(m->c, schema, o, e) && (!target || target_remove(m->c, schema, e));
}

static bool drop(struct removal *m, struct err *e)
{
    const bool emergency = m->how->emergency;
    const struct back_options back = {.say = m->how->say, .arg = m->how->arg};
    const struct capture_install_options o = {
        .lock_timeout_ms = emergency ? EMERGENCY_LOCK_MS : LOCK_MS,
        .give_up_ms = emergency ? EMERGENCY_GIVE_UP_MS : m->s->lock_wait_ms,
        .waiting = say_waiting,
        .installed = count_table,
        .arg = m,
        .end_sessions = emergency,
    };
    return back_validate(m->c, m->s->twin, &back, e) &&
           drop_schema(m, m->s->schema, m->side == SIDE_TARGET, &o, e) &&
           drop_schema(m, m->s->twin, true, &o, e);
}

static void say_removed(const struct removal *m)
{
    if (!m->anything)
        removal_tell(m, "nothing of repl's was there");
    else if (m->tables == 0)
        removal_tell(m, "schema %s is gone", m->s->schema);
    else
        removal_tell(m, "triggers of %zu tables and schema %s are gone", m->tables, m->s->schema);
}

/* The first side that is left is the error; both are told. */
static void leave(const struct removal *m, struct err *e)
{
    removal_tell(m, "NOT removed: schema %s and what belongs to it (%s)", m->s->schema, m->why.text);
    if (e->kind != ERR_NONE)
        return;
    *e = m->why;
    err_context(e, "the %s still holds repl's objects", side_name(m->side));
    err_hint(e, "when that is solved: repl cleanup again, with %s URL if the state directory is lost",
             side_option(m->side));
}

static void drop_connection(struct removal *m)
{
    conn_close(m->c);
    m->c = NULL;
}

/* A side that is not given is left alone, as the list has said. Where the source was not decided about, nothing is done on
 * the target either. */
static void remove_sides(struct removal *sides, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (spec_of(sides[i].s, sides[i].side) != NULL && !free_application(&sides[i], &sides[i].why)) {
            drop_connection(&sides[i]);
            if (sides[i].why.kind == ERR_USAGE) {
                *e = sides[i].why;
                return;
            }
        }
    if (sides->how->application_is_free != NULL)
        sides->how->application_is_free(sides->how->arg);
    for (size_t i = 0; i < n; i++) {
        struct removal *m = &sides[i];
        if (m->c != NULL && drop(m, &m->why))
            say_removed(m);
        else if (m->why.kind != ERR_NONE)
            leave(m, e);
        drop_connection(m);
    }
}

bool cleanup_run(const struct sync *s, const struct cleanup_how *how, struct err *e)
{
    struct removal sides[] = {{.s = s, .how = how, .side = SIDE_SOURCE},
                              {.s = s, .how = how, .side = SIDE_TARGET}};
    err_clear(e);
    if (s->source == NULL && s->target == NULL)
        return no_sides(e);
    remove_sides(sides, sizeof sides / sizeof *sides, e);
    if (e->kind != ERR_NONE)
        return false;
    if (s->dir == NULL || access(s->dir, F_OK) != 0)
        return true;
    dump_remove(s->dir);
    return state_remove(s->dir, e);
}
