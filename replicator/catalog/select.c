#include <stdio.h>
#include <string.h>

#include "repl/catalog.h"

/* As SQL spells it. */
static bool is_quoted_as(const char *pattern, const char *schema, const char *name)
{
    struct buf b = {0};
    if (strchr(pattern, '"') == NULL)
        return false;
    sql_ident(&b, schema);
    buf_puts(&b, ".");
    sql_ident(&b, name);
    bool same = strcmp(b.data, pattern) == 0;
    buf_free(&b);
    return same;
}

static bool any_matches(const struct strlist *patterns, const char *schema, const char *name)
{
    char label[160]; /* two names of at most 63 bytes */
    snprintf(label, sizeof label, "%s.%s", schema, name);
    for (size_t i = 0; i < patterns->count; i++)
        if (str_matches(patterns->items[i], label) || str_matches(patterns->items[i], name) ||
            is_quoted_as(patterns->items[i], schema, name))
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

bool pattern_is_wild(const char *pattern)
{
    return strpbrk(pattern, "*?") != NULL;
}

static bool no_such_table(const struct relations *all, const char *name, struct err *e)
{
    const char *near = nearest(all, name);
    err_set(e, ERR_CONFIG, "there is no table %s", name);
    if (near != NULL)
        err_hint(e, "did you mean %s?", near);
    return err_hint(e, "name tables as they are in the database, schema.table");
}

enum fit { FIT_NOT, FIT_NAME, FIT_WHOLE };

static enum fit fit_of(const struct relation *r, const char *name)
{
    if (strcmp(r->label, name) == 0 || strcmp(r->sql, name) == 0)
        return FIT_WHOLE;
    return strcmp(r->name, name) == 0 ? FIT_NAME : FIT_NOT;
}

/* SQL's spelling tells apart what labels may not: a dot can stand in a name. */
static bool fits_several(const struct relations *all, const char *name, enum fit fit, struct err *e)
{
    enum { NAMED = 5 };
    struct buf b = {0};
    size_t n = 0;
    const char *first = "";
    for (size_t i = 0; i < all->count; i++) {
        if (fit_of(&all->items[i], name) != fit)
            continue;
        if (n == 0)
            first = all->items[i].sql;
        if (n++ < NAMED)
            buf_printf(&b, "%s%s", n > 1 ? ", " : "", all->items[i].sql);
    }
    err_set(e, ERR_CONFIG, "%s fits %zu tables: %s%s", name, n, buf_text(&b), n > NAMED ? " ..." : "");
    err_hint(e, "name the one that you mean, with its schema: %s", first);
    buf_free(&b);
    return false;
}

bool relations_named(const struct relations *all, const char *name, struct relation **out, struct err *e)
{
    enum fit best = FIT_NOT;
    size_t n = 0;
    for (size_t i = 0; i < all->count; i++) {
        enum fit fit = fit_of(&all->items[i], name);
        if (fit > best) {
            best = fit;
            n = 0;
        }
        if (fit == FIT_NOT || fit != best)
            continue;
        if (n++ == 0)
            *out = &all->items[i];
    }
    return n == 1 || (n == 0 ? no_such_table(all, name, e) : fits_several(all, name, best, e));
}

static bool check_list(const struct strlist *patterns, const char *option, const struct relations *all,
                       struct err *e)
{
    struct relation *one;
    for (size_t i = 0; i < patterns->count; i++)
        if (!pattern_is_wild(patterns->items[i]) && !relations_named(all, patterns->items[i], &one, e))
            return err_context(e, "%s %s", option, patterns->items[i]);
    return true;
}

bool selection_check(const struct selection *s, const struct relations *all, struct err *e)
{
    return check_list(&s->tables, "--tables", all, e) && check_list(&s->exclude, "--exclude", all, e);
}

static bool resolve_list(struct strlist *patterns, const struct relations *all, struct err *e)
{
    struct strlist resolved = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < patterns->count; i++) {
        struct relation *one = NULL;
        const char *pattern = patterns->items[i];
        ok = pattern_is_wild(pattern) || relations_named(all, pattern, &one, e);
        if (ok) /* a wildcard in a name cannot be spelled otherwise, so it stays as it was typed */
            strlist_add(&resolved, one != NULL && !pattern_is_wild(one->label) ? one->label : pattern);
    }
    strlist_free(ok ? patterns : &resolved);
    if (ok)
        *patterns = resolved;
    return ok;
}

bool selection_resolve(struct selection *s, const struct relations *all, struct err *e)
{
    return resolve_list(&s->tables, all, e) && resolve_list(&s->exclude, all, e);
}

void selection_apply(const struct selection *s, struct relations *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (selection_includes(s, l->items[i].schema, l->items[i].name))
            l->items[kept++] = l->items[i];
    l->count = kept;
}
