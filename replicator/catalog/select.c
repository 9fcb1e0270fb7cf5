#include <stdio.h>
#include <string.h>

#include "repl/catalog.h"

static bool any_matches(const struct strlist *patterns, const char *schema, const char *name)
{
    char label[160]; /* two names of at most 63 bytes */
    snprintf(label, sizeof label, "%s.%s", schema, name);
    for (size_t i = 0; i < patterns->count; i++)
        if (str_matches(patterns->items[i], label) || str_matches(patterns->items[i], name))
            return true;
    return false;
}

bool selection_includes(const struct selection *s, const char *schema, const char *name)
{
    if (s->own_schema != NULL && strcmp(schema, s->own_schema) == 0)
        return false;
    if (s->tables.count != 0 && !any_matches(&s->tables, schema, name))
        return false;
    return !any_matches(&s->exclude, schema, name);
}

static const char *nearest(const struct relations *all, const char *name)
{
    const char *best = NULL;
    size_t least = strlen(name) / 2 + 1;
    for (size_t i = 0; i < all->count; i++) {
        const struct relation *r = &all->items[i];
        const char *candidate = strchr(name, '.') != NULL ? r->label : r->name;
        size_t distance = str_distance(candidate, name);
        if (distance < least) {
            least = distance;
            best = r->label;
        }
    }
    return best;
}

static bool check_list(const struct strlist *patterns, const char *option, const struct relations *all,
                       struct err *e)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const struct strlist one = {&patterns->items[i], 1};
        bool found = false;
        for (size_t t = 0; t < all->count && !found; t++)
            found = any_matches(&one, all->items[t].schema, all->items[t].name);
        if (found || strpbrk(one.items[0], "*?") != NULL)
            continue;
        const char *near = nearest(all, one.items[0]);
        err_set(e, ERR_CONFIG, "%s %s: no such table on the source", option, one.items[0]);
        if (near != NULL)
            err_hint(e, "did you mean %s?", near);
        return err_hint(
            e, "name tables as they are in the database, schema.table, or use a pattern such as public.*");
    }
    return true;
}

bool selection_check(const struct selection *s, const struct relations *all, struct err *e)
{
    return check_list(&s->tables, "--tables", all, e) && check_list(&s->exclude, "--exclude", all, e);
}

void selection_apply(const struct selection *s, struct relations *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (selection_includes(s, l->items[i].schema, l->items[i].name))
            l->items[kept++] = l->items[i];
    l->count = kept;
}
