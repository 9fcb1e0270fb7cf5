/*
 * Whether every table can be followed as it is now. The engine looks at the catalogs every few seconds; a cutover cannot
 * wait for that: what was altered in between would not be captured, or come over without its new columns.
 */
#include <string.h>

#include "cutover_private.h"

static bool not_captured(const struct relation *r, struct err *e)
{
    err_set(e, ERR_NOT_YET,
            "a trigger of repl's is gone or switched off, or its key is another: not all that is written is "
            "on record");
    err_table(e, r->schema, r->name);
    return err_hint(e,
                    "the engine sees that within seconds, mends it and copies the table anew: repl status");
}

static bool not_there(const struct relation *r, struct err *e)
{
    err_set(e, ERR_NOT_YET, "the %s has no such table", side_name(SIDE_TARGET));
    err_table(e, r->schema, r->name);
    return err_hint(e, "repl status says what to do");
}

static bool named_otherwise(const struct relation *r, const struct relation *target, struct err *e)
{
    err_set(e, ERR_NOT_YET, "it is named %s on the source and %s on the target", r->label, target->label);
    err_relation(e, r);
    return err_hint(e, "repl status says what to do");
}

static bool fits(struct relation *r, const struct relations *targets, struct err *e)
{
    const struct relation *target = relations_twin(targets, r);
    if (r->capture_broken)
        return not_captured(r, e);
    if (target == NULL)
        return not_there(r, e);
    if (strcmp(target->label, r->label) != 0)
        return named_otherwise(r, target, e);
    if (catalog_compatible(r, target, e))
        return true;
    e->kind = ERR_NOT_YET;
    return false;
}

static bool outlines(struct cutover *c, const char *out[2], struct err *e)
{
    return catalog_outline(c->source, c->s->schema, c->a, &out[SIDE_SOURCE], e) &&
           catalog_outline(c->target, c->s->schema, c->a, &out[SIDE_TARGET], e);
}

bool cutover_look_at_tables(struct cutover *c, struct err *e)
{
    struct relations from, to;
    struct target_state state;
    if (!outlines(c, c->outlines, e) || !catalog_read(c->source, c->s->schema, c->a, &from, e) ||
        !capture_assign_ids(c->source, &c->capture, &from, c->a, e) ||
        !catalog_read(c->target, c->s->schema, c->a, &to, e) ||
        !target_read(c->target, c->s->schema, c->a, &state, e))
        return err_context(e, "looking at the tables");
    target_assign_ids(&state, &to);
    for (size_t i = 0; i < from.count; i++)
        if (from.items[i].id != 0 && !fits(&from.items[i], &to, e))
            return false;
    return true;
}

bool cutover_tables_stand(struct cutover *c, struct err *e)
{
    const char *now[2];
    if (!outlines(c, now, e))
        return err_context(e, "looking at the tables");
    for (int i = 0; i < 2; i++)
        if (strcmp(now[i], c->outlines[i]) != 0) {
            err_set(e, ERR_NOT_YET,
                    "tables of the %s were made, altered or dropped while the cutover was under way",
                    side_name((enum side)i));
            return err_hint(e, "repl status; then the same command again");
        }
    return true;
}
