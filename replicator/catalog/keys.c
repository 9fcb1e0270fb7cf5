/*
 * Keys in SQL. OPERATOR(public.=) says which schema, and the types of the operands say which of that schema's operators: a
 * domain over citext is none of citext's operands to the letter, so an operator of (citext, domain), which anybody with
 * CREATE there can make, is preferred. The cast makes the operands those of the index's own operator, which then matches
 * exactly, and nothing is preferred to an exact match. From a domain to its base type, and from varchar to text, it costs
 * nothing at run time and keeps the index usable.
 */
#include <string.h>

#include "repl/catalog.h"

const struct key_column *key_terms(const struct relation *side, const struct relation *r, size_t k)
{
    const char *name = relation_key(r, k)->name;
    for (size_t i = 0; i < side->nkey; i++)
        if (strcmp(relation_key(side, i)->name, name) == 0)
            return &side->key[i];
    return &r->key[k];
}

void key_column_sql(struct buf *b, const struct relation *side, const struct relation *r, size_t k,
                    const char *prefix)
{
    buf_puts(b, prefix);
    sql_ident(b, relation_key(r, k)->name);
    buf_puts(b, key_terms(side, r, k)->as);
}

void key_value_sql(struct buf *b, const struct relation *side, const struct relation *r, size_t k,
                   const char *prefix)
{
    buf_printf(b, "%sk%zu%s", prefix, k + 1, key_terms(side, r, k)->as);
}

char *key_join_sql(struct arena *a, const struct relation *side, const struct relation *r, const char *values,
                   const char *columns)
{
    struct buf b = {0};
    for (size_t k = 0; k < r->nkey; k++) {
        buf_puts(&b, k != 0 ? " AND " : "");
        key_value_sql(&b, side, r, k, values);
        buf_printf(&b, " %s ", key_terms(side, r, k)->eq);
        key_column_sql(&b, side, r, k, columns);
    }
    return buf_take(a, &b);
}
