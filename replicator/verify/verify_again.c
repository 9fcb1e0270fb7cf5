/* What was moving when it was compared is looked at again, round after round, until it is settled. */
#include <stdlib.h>
#include <string.h>

#include "verify_run.h"

/* A round in which nothing was settled is a quiet one. */
enum { ROUNDS = 100, QUIET_ROUNDS = 8 };

static size_t index_of(const struct verification *v, int relation)
{
    for (size_t i = 0; i < v->world.relations.count; i++)
        if (v->tables[i].id == relation)
            return i;
    return v->world.relations.count;
}

static int by_relation(const void *x, const void *y)
{
    const struct verify_key *a = x, *b = y;
    return a->relation != b->relation ? (a->relation > b->relation) - (a->relation < b->relation)
                                      : (a->id > b->id) - (a->id < b->id);
}

static bool look_again(struct verification *v, const struct verify_key *keys, size_t n, struct err *e)
{
    size_t index = index_of(v, keys[0].relation);
    if (index == v->world.relations.count || strcmp(v->tables[index].state, "comparing") != 0)
        return true; /* it cannot be compared any more: its keys stay unsettled */
    struct verify_job *j = verify_job_new(v, VERIFY_KEYS, index);
    j->keys = arena_alloc(j->mem, n * sizeof *j->keys);
    j->nkeys = n;
    for (size_t i = 0; i < n; i++) {
        j->keys[i] = keys[i];
        j->keys[i].key = arena_strdup(j->mem, keys[i].key);
    }
    verify_submit(v, j);
    return verify_wait(v, v->o->jobs * 2, e);
}

static bool look_at_all(struct verification *v, int64_t last, struct err *e)
{
    size_t most = v->o->show_values ? VERIFY_LOOK_KEYS_SHOWN : VERIFY_LOOK_KEYS, n = most;
    bool ok = true;
    for (int64_t behind = 0; ok && n == most;) {
        struct arena *a = arena_new();
        struct verify_key *keys;
        ok = state_verify_keys(v->o->state, v->run, behind, last, (int)most, a, &keys, &n, e);
        if (ok && n != 0) {
            behind = keys[n - 1].id;
            qsort(keys, n, sizeof *keys, by_relation);
        }
        for (size_t i = 0, k; ok && i < n; i = k) {
            for (k = i; k < n && keys[k].relation == keys[i].relation;)
                k++;
            ok = look_again(v, keys + i, k - i, e);
        }
        arena_free(a);
    }
    return ok;
}

static void next_round(struct verification *v)
{
    for (size_t i = 0; i < v->world.relations.count; i++) {
        struct course *c = &v->course[i];
        free(c->stood);
        c->stood = c->stands;
        c->stands = NULL;
    }
}

static size_t whole_again(struct verification *v, bool submit)
{
    size_t n = 0;
    for (size_t i = 0; i < v->world.relations.count; i++) {
        if ((!v->course[i].moving && !v->course[i].repairing) || strcmp(v->tables[i].state, "comparing") != 0)
            continue;
        n++;
        if (!submit)
            continue;
        struct verify_job *j = verify_job_new(v, VERIFY_WHOLE, i);
        j->repaired = v->course[i].repairing;
        verify_submit(v, j);
    }
    return n;
}

bool verify_rounds(struct verification *v, struct err *e)
{
    int64_t keys, last;
    int quiet = 0;
    for (int round = 0; round < ROUNDS && quiet < QUIET_ROUNDS; round++) {
        if (!state_verify_key_count(v->o->state, v->run, 0, &keys, &last, e))
            return false;
        size_t whole = whole_again(v, false);
        if (keys == 0 && whole == 0)
            return true;
        uint64_t before = v->dropped;
        v->settled = v->o->settle(v->o->arg);
        next_round(v);
        if (!look_at_all(v, last, e))
            return false;
        whole_again(v, true);
        if (!verify_wait(v, 0, e))
            return false;
        quiet = v->dropped != before || whole_again(v, false) < whole ? 0 : quiet + 1;
        /* Nobody brings what is owed: another look would see the same, but for what this one owed. */
        if (v->settled == VERIFY_NO_ENGINE && (!v->o->repair || round > 0))
            return true;
    }
    return true;
}
