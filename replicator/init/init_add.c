/*
 * One more table joins a sync that is at work.
 */
#include <string.h>

#include "init_private.h"
#include "repl/fault.h"

enum { ADD_GIVE_UP_MS = 60000 };

/* in->tables shrinks to the one table. */
static bool choose_table(struct init *in, const char *label, struct err *e)
{
    struct relation *found = NULL;
    if (!relations_named(&in->tables, label, &found, e))
        return err_context(e, "on the source");
    in->tables = (struct relations){found, 1};
    fault_point("add.chosen");
    if (found->id == 0 || target_relation_by_id(&in->state, found->id) == NULL)
        return true;
    err_set(e, ERR_CONFIG, "the table is in the sync already");
    err_table(e, found->schema, found->name);
    return err_hint(e, "repl status shows it");
}

/* A table of the sync that had the name on the source may have it on the target still. */
static bool is_free(struct init *in, const struct relations *all, struct err *e)
{
    struct relations targets;
    const struct relation *new = &in->tables.items[0], *has, *now = NULL;
    if (!catalog_read(in->target, in->s->schema, in->a, &targets, e))
        return false;
    target_assign_ids(&in->state, &targets);
    has = relations_find(&targets, new->schema, new->name);
    if (has == NULL || has->id == 0 || has->id == new->id)
        return true;
    now = relations_by_id(all, has->id);
    err_set(e, ERR_CONFIG, "the target's table of that name is another one of the sync%s%s",
            now != NULL ? ", " : "", now != NULL ? now->label : "");
    err_table(e, new->schema, new->name);
    return now != NULL ? err_hint(e, "on the target: ALTER TABLE %s RENAME TO \"%s\", then: repl add %s",
                                  has->sql, now->name, new->label)
                       : err_hint(e, "rename it on the target, then: repl add %s", new->label);
}

static bool is_empty(struct init *in, struct err *e)
{
    const struct relation *new = &in->tables.items[0], **full = arena_alloc(in->a, sizeof *full);
    size_t n;
    if (!tables_with_rows(in->source, in->target, &new, 1, full, &n, e))
        return false;
    if (n == 0)
        return true;
    err_set(e, ERR_CONFIG, "the target's table holds rows already");
    err_table(e, new->schema, new->name);
    return err_hint(e, "empty it on the target (TRUNCATE %s), then: repl add %s", new->sql, new->label);
}

static bool choose_and_look(struct init *in, const char *label, struct err *e)
{
    const struct relations all = in->tables;
    return choose_table(in, label, e) && is_free(in, &all, e);
}

static bool add(struct init *in, const char *label, const struct add_options *o, struct err *e)
{
    in->capture = (struct capture){.schema = in->s->schema};
    return init_connect(in, e) && capture_find(in->source, &in->capture, e) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e) &&
           sync_is_whole(in->s, &in->capture, &in->state, e) && init_before_switch(in, e) &&
           (!o->lock || lock_engine(in->target, in->capture.sync_id, NULL, in->interrupt, e)) &&
           catalog_read(in->source, in->s->schema, in->a, &in->tables, e) &&
           capture_number(in->source, &in->capture, &in->tables, in->a, e) && choose_and_look(in, label, e) &&
           init_schema(in, e) && is_empty(in, e) && init_capture(in, e);
}

bool init_add(const struct sync *s, const char *label, const struct add_options *o, char **added,
              struct err *e)
{
    struct init_report report = {0};
    struct init in = {.s = s,
                      .say = o->say,
                      .arg = o->arg,
                      .a = arena_new(),
                      .report = &report,
                      .give_up_ms = ADD_GIVE_UP_MS,
                      .made_by_others = s->no_schema || o->only_if_there,
                      .interrupt = o->interrupt};
    bool ok = !s->back || init_no_table_joins(e);
    ok = ok && add(&in, label, o, e);
    if (ok)
        *added = xstrdup(in.tables.items[0].label);
    else
        init_blame(&in, e);
    conn_close(in.source);
    conn_close(in.target);
    arena_free(in.a);
    return ok;
}
