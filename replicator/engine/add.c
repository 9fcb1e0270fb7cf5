/* Tables that join while the engine runs: asked for (`repl add`), or new on the source and on the target (--auto-add). */
#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "finish.h"
#include "repl/init.h"
#include "repl/log.h"
#include "repl/schema.h"

static void keep_line(void *arg, const char *text)
{
    strlist_add(arg, text);
}

/* With connections of its own: a worker's sessions are for rows. */
bool job_add(struct worker *w, struct job *job, struct err *e)
{
    struct add_task *t = (struct add_task *)job;
    const struct add_options o = {
        .only_if_there = t->only_if_there, .interrupt = t->task.interrupt, .say = keep_line, .arg = &t->said};
    (void)w;
    pg_step("adding a table", NULL);
    return init_add(t->task.sync, t->table, &o, &t->added, e);
}

/* The table has the name that another one of the sync joined with: what an earlier dump of the schema says of that name is
 * said of the other. */
static bool takes_a_name(const struct engine *g, const char *label)
{
    for (size_t i = 0; i < g->world->state.nrelations; i++) {
        const struct target_relation *r = &g->world->state.relations[i];
        size_t n = strlen(r->schema);
        if (strncmp(label, r->schema, n) == 0 && label[n] == '.' && strcmp(label + n + 1, r->name) == 0)
            return true;
    }
    return false;
}

static void take_in(struct engine *g, const struct add_task *t)
{
    struct err e;
    if (takes_a_name(g, t->added))
        schema_forget(g->o->sync);
    if (!sync_selects(g->o->sync, t->added, g->o->state, &e))
        log_err(LOG_WARN, &e);
    engine_say(g, LOG_INFO, NULL, "%s joins the sync", t->added);
    drift_reopen(g);
}

static void added(struct engine *g, struct task *task)
{
    struct add_task *t = (struct add_task *)task;
    g->adding = false;
    for (size_t i = 0; i < t->said.count; i++)
        engine_say(g, LOG_INFO, NULL, "%s", t->said.items[i]);
    strlist_free(&t->said);
    if (t->task.job.ok)
        take_in(g, t);
    else if (t->only_if_there)
        engine_say(g, LOG_WARN, NULL, "%s is not added: %s", t->table, t->task.job.err.text);
    control_added(g, t->task.job.ok ? NULL : &t->task.job.err);
    free(t->added);
    if (!t->task.job.ok) {
        add_new(g);
        finish_dispatch(g); /* it waits while a table is added */
        engine_go_on_beside(g);
    }
}

static void submit(struct engine *g, const char *table, bool only_if_there)
{
    struct add_task *t = task_new(sizeof *t, job_add, added);
    t->table = arena_strdup(t->task.mem, table);
    t->only_if_there = only_if_there;
    g->adding = true;
    engine_submit(g, &t->task.job);
}

bool add_table(struct engine *g, const char *table, struct err *e)
{
    const char *busy = g->adding || g->add_wanted != NULL ? "adding another table"
                       : g->life == LIFE_INDEXING         ? "building indexes"
                       : g->life == LIFE_WAITING          ? "waiting after an error"
                                                          : NULL;
    if (busy != NULL) {
        err_set(e, ERR_NOT_YET, "the engine is %s just now", busy);
        return err_hint(e, "try again in a moment; repl status shows what goes on");
    }
    g->add_wanted = xstrdup(table);
    add_new(g);
    return true;
}

void add_new(struct engine *g)
{
    if (g->adding || finish_is_planning(g) || g->stopping || g->life == LIFE_OPENING || g->world == NULL ||
        engine_in_trouble(g))
        return; /* the next opening comes back */
    if (g->add_wanted != NULL) {
        submit(g, g->add_wanted, false);
        free(g->add_wanted);
        g->add_wanted = NULL;
    } else if (g->o->sync->auto_add && g->added_upto < g->world->news.count) {
        submit(g, g->world->news.items[g->added_upto++], true);
    }
}
