/* Sequences, the last part of a comparison: whether the target would give out what the source gave out already. */
#include <string.h>

#include "repl/sequences.h"
#include "verify_run.h"

enum { SEQUENCE_ROUNDS = 5 };

static const struct sequence *named(const struct sequences *l, const struct sequence *s)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].sql, s->sql) == 0)
            return &l->items[i];
    return NULL;
}

/* What the target has is behind what the source had when it was read. */
static bool behind(const struct sequence *source, const struct sequence *target)
{
    if (!source->called)
        return false;
    if (target == NULL || !target->called)
        return true;
    return source->up ? target->value < source->value : target->value > source->value;
}

static bool set_sequence(struct verification *v, const struct sequence *s, struct err *e)
{
    const struct sequence_value value = {.sql = s->sql, .value = s->value, .up = s->up};
    return pg_exec(v->target, sequence_set_sql(v->mem, &value), e);
}

static bool tell_sequence(struct verification *v, const struct sequence *s, const struct sequence *t,
                          struct err *e)
{
    static char kind[] = "sequence", missing[] = "the target has none", low[] = "the target is behind";
    struct verify_difference d = {
        .table = arena_printf(v->mem, "%s.%s", s->schema, s->name),
        .kind = kind,
        .key = arena_strdup(v->mem, s->sql),
        .shown = t == NULL ? missing : low,
    };
    if (v->o->show_values) {
        d.source = arena_printf(v->mem, "%lld", (long long)s->value);
        d.target = t != NULL && t->called ? arena_printf(v->mem, "%lld", (long long)t->value) : NULL;
    }
    bool repairs = v->o->repair && t != NULL;
    return (!repairs || set_sequence(v, s, e)) &&
           state_verify_difference(v->o->state, v->run, &d, repairs, e);
}

static int64_t count_behind(const struct sequences *source, const struct sequences *target)
{
    int64_t n = 0;
    for (size_t i = 0; i < source->count; i++)
        n += behind(&source->items[i], named(target, &source->items[i]));
    return n;
}

/* Their connections may have been idle for hours. */
static bool read_both(struct verification *v, struct sequences *source, struct sequences *target,
                      struct err *e)
{
    for (int again = 0;; again++) {
        if (sequences_read(v->source, v->world.schema, v->mem, source, e) &&
            sequences_read(v->target, v->world.schema, v->mem, target, e))
            return true;
        if (e->kind != ERR_CONN || again != 0 || !verify_connect_source(v, e) || !verify_connect_target(v, e))
            return false;
    }
}

/* Not a difference: what was given out once is not given again. But somebody has to decide. The source is read once more,
 * behind the target: a sequence that goes on meanwhile is not behind what was brought before. */
static bool note_set_back(struct verification *v, const struct sequences *source,
                          const struct sequences *target, struct err *e)
{
    const struct sequence *s, *t;
    struct sequences now;
    size_t at = 0;
    bool ok = true;
    if (sequences_set_back(source, target, &at, &t) == NULL)
        return true;
    if (!sequences_read(v->source, v->world.schema, v->mem, &now, e))
        return false;
    for (at = 0; ok && (s = sequences_set_back(&now, target, &at, &t)) != NULL;)
        ok = state_verify_note(v->o->state, v->run,
                               arena_printf(v->mem,
                                            "sequence %s is further on at the target than at the "
                                            "source; " VERIFY_NOTE_SET_BACK "%s",
                                            s->sql, sequence_set_back_sql(v->mem, s)),
                               0, e);
    return ok;
}

bool verify_sequences(struct verification *v, struct err *e)
{
    struct sequences source, target;
    if (v->o->tables->count != 0)
        return state_verify_note(v->o->state, v->run, "sequences, with --tables", 0, e);
    if (!read_both(v, &source, &target, e))
        return false;
    int64_t n = count_behind(&source, &target);
    for (int round = 0; n != 0 && round < SEQUENCE_ROUNDS; round++) {
        v->settled = v->o->settle(v->o->arg);
        if (!sequences_read(v->target, v->world.schema, v->mem, &target, e))
            return false;
        n = count_behind(&source, &target);
    }
    /* They stand outside of snapshots: while nobody brings them, what is late and what is wrong look alike. */
    if (n != 0 && v->settled != VERIFY_BROUGHT) {
        v->behind = n;
        return state_verify_note(v->o->state, v->run,
                                 v->settled == VERIFY_NO_ENGINE
                                     ? "sequences that are behind: no engine runs"
                                     : "sequences that are behind: the engine did not bring them",
                                 n, e);
    }
    bool ok = v->fenced || note_set_back(v, &source, &target, e);
    for (size_t i = 0; ok && i < source.count; i++) {
        const struct sequence *t = named(&target, &source.items[i]);
        ok = !behind(&source.items[i], t) || tell_sequence(v, &source.items[i], t, e);
    }
    return ok;
}
