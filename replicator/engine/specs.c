/*
 * While the engine has failed it reads again what file: and command: say, for credentials that a person, or a service, has
 * put right meanwhile. A URI does not change, nor does the environment of a process that runs.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "repl/hash.h"

enum { FILE_EVERY_MS = 1000, COMMAND_EVERY_MS = 5000 };

struct specs_task {
    struct task task;
    uint64_t hash;
};

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool changes(const char *spec)
{
    return starts(spec, "file:") || starts(spec, "command:");
}

/* What they cannot be read for counts, too: it is another answer than before. */
static uint64_t hash_of(const char *spec)
{
    struct err e;
    char *resolved;
    if (!changes(spec))
        return 1;
    if (!dsn_resolve(spec, &resolved, &e))
        return hash64_str(e.text);
    uint64_t hash = hash64_str(resolved);
    explicit_bzero(resolved, strlen(resolved));
    free(resolved);
    return hash;
}

static bool job_specs(struct worker *w, struct job *job, struct err *e)
{
    struct specs_task *t = (struct specs_task *)job;
    (void)w;
    (void)e;
    t->hash = hash_of(t->task.sync->source) * 3 + hash_of(t->task.sync->target);
    return true;
}

static bool has_failed(const struct engine *g)
{
    return g->failed && g->life == LIFE_WAITING && !g->stopping;
}

static void took(struct engine *g, struct task *task)
{
    const struct specs_task *t = (const struct specs_task *)task;
    g->specs.asking = false;
    if (!has_failed(g))
        return;
    bool changed = g->specs.hash != 0 && g->specs.hash != t->hash;
    g->specs.hash = t->hash;
    if (!changed)
        return;
    engine_say(g, LOG_INFO, NULL, "a connection's file or command says something else: trying again");
    backoff_reset(&g->backoff);
    supervise_again(g);
}

static void ask(struct engine *g)
{
    struct specs_task *t = task_new(sizeof *t, job_specs, took);
    g->specs.asking = true;
    g->specs.asked_ms = clock_ms();
    engine_submit(g, &t->task.job);
}

void specs_begin(struct engine *g)
{
    g->specs.hash = 0;
    g->specs.asked_ms = 0;
    specs_tick(g);
}

void specs_tick(struct engine *g)
{
    const struct sync *s = g->o->sync;
    if (!has_failed(g) || g->specs.asking || (!changes(s->source) && !changes(s->target)))
        return;
    bool commands = starts(s->source, "command:") || starts(s->target, "command:");
    if (g->specs.asked_ms == 0 ||
        clock_ms() - g->specs.asked_ms >= (commands ? COMMAND_EVERY_MS : FILE_EVERY_MS))
        ask(g);
}
