/* Whether the target's table can take the source's rows. */
#include <string.h>

#include "repl/catalog.h"

static bool missing(const struct relation *s, const struct column *col, struct err *e)
{
    err_set(e, ERR_CONFIG, "the target's table has no column %s", col->name);
    err_relation(e, s);
    /* With its default, or rows that are there already would get another value than on the source, as would those that
     * the application inserts after the switch. */
    const bool dflt = col->default_sql != NULL;
    return err_hint(e, "on the target: ALTER TABLE %s ADD COLUMN \"%s\" %s%s%s%s", s->sql, col->name,
                    col->type, dflt ? " DEFAULT " : "", dflt ? col->default_sql : "",
                    dflt && col->not_null ? " NOT NULL" : "");
}

static bool other_type(const struct relation *s, const struct column *from, const struct column *to,
                       struct err *e)
{
    err_set(e, ERR_CONFIG, "column %s is %s on the source and %s on the target", from->name, from->type,
            to->type);
    err_relation(e, s);
    return err_hint(e, "on the target: ALTER TABLE %s ALTER COLUMN \"%s\" TYPE %s", s->sql, from->name,
                    from->type);
}

static bool not_copied(const struct relation *s, const struct column *to, struct err *e)
{
    err_set(e, ERR_CONFIG, "column %s is generated on the target only, so its value cannot be copied",
            to->name);
    err_relation(e, s);
    return err_hint(e, "on the target: ALTER TABLE %s ALTER COLUMN \"%s\" DROP EXPRESSION", s->sql, to->name);
}

static bool further_column(const struct relation *s, const struct column *to, struct err *e)
{
    err_set(e, ERR_CONFIG, "the target's column %s is NOT NULL and the source has none of that name",
            to->name);
    err_relation(e, s);
    return err_hint(e, "on the target: ALTER TABLE %s ALTER COLUMN \"%s\" DROP NOT NULL (or drop the column)",
                    s->sql, to->name);
}

bool catalog_compatible(struct relation *source, const struct relation *target, struct err *e)
{
    for (size_t i = 0; i < source->ncolumns; i++) {
        struct column *from = &source->columns[i];
        const struct column *to = relation_column(target, from->name);
        if (from->generated)
            continue;
        if (to == NULL)
            return missing(source, from, e);
        if (to->generated)
            return not_copied(source, to, e);
        if (strcmp(from->type, to->type) != 0)
            return other_type(source, from, to, e);
        /* Domains of one name may stand over types that read each other's bytes as something else. */
        from->binary_safe =
            from->binary_safe && to->binary_safe && strcmp(from->base_type, to->base_type) == 0;
    }
    for (size_t i = 0; i < target->ncolumns; i++) {
        const struct column *to = &target->columns[i];
        if (to->not_null && !to->has_default && relation_column(source, to->name) == NULL)
            return further_column(source, to, e);
    }
    return true;
}
