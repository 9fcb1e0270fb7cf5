#include "findings.h"

#include <string.h>

void finding_add(struct findings *f, struct arena *a, struct finding it)
{
    /* Doubled when full: at 16, 32, 64 ... the arena keeps the old ones, which are few. */
    if (f->count == 0 || (f->count >= 16 && (f->count & (f->count - 1)) == 0)) {
        struct finding *more = arena_alloc(a, (f->count == 0 ? 16 : f->count * 2) * sizeof *more);
        if (f->count != 0)
            memcpy(more, f->items, f->count * sizeof *more);
        f->items = more;
    }
    f->items[f->count++] = (struct finding){.level = it.level,
                                            .topic = arena_strdup(a, it.topic),
                                            .side = arena_strdup(a, it.side != NULL ? it.side : ""),
                                            .table = arena_strdup(a, it.table != NULL ? it.table : ""),
                                            .text = arena_strdup(a, it.text),
                                            .hint = arena_strdup(a, it.hint != NULL ? it.hint : "")};
}

void finding_add_err(struct findings *f, struct arena *a, const char *topic, const struct err *e)
{
    finding_add(f, a,
                (struct finding){.level = FINDING_BLOCKER,
                                 .topic = topic,
                                 .side = e->side,
                                 .table = e->table,
                                 .text = e->text,
                                 .hint = e->hint});
}

const char *finding_level_name(enum finding_level l)
{
    static const char *const names[] = {
        [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_BLOCKER] = "blocker"};
    return names[l];
}

/* ---- groups ---- */

/* Of one topic and side no more than so many groups are listed: texts that differ in every table make no group. */
enum { LISTED = 8, NAMED = 5 };

static bool same_kind(const struct finding *a, const struct finding *b)
{
    return strcmp(a->topic, b->topic) == 0 && strcmp(a->side, b->side) == 0;
}

/* The group that f belongs to, looking from the end, where it mostly is. *of_kind counts those of its topic and side,
 * *last is the newest of them. */
static struct finding_group *find_group(struct finding_group *g, size_t n, const struct finding *f,
                                        size_t *of_kind, struct finding_group **last)
{
    *of_kind = 0;
    *last = NULL;
    for (size_t i = n; i-- > 0;) {
        if (!same_kind(g[i].first, f))
            continue;
        if (*last == NULL)
            *last = &g[i];
        ++*of_kind;
        if (f->table[0] != '\0' && g[i].first->table[0] != '\0' && strcmp(g[i].first->text, f->text) == 0)
            return &g[i];
    }
    return NULL;
}

static void add_table(struct finding_group *g, const struct finding *f, struct arena *a)
{
    if (f->table[0] == '\0')
        return;
    if ((g->ntables & (g->ntables - 1)) == 0) { /* full at 0, 1, 2, 4, 8 ... */
        const char **more = arena_alloc(a, (g->ntables == 0 ? 1 : g->ntables * 2) * sizeof *more);
        for (size_t i = 0; i < g->ntables; i++)
            more[i] = g->tables[i];
        g->tables = more;
    }
    g->tables[g->ntables++] = f->table;
}

void findings_group(const struct findings *f, enum finding_level level, struct arena *a,
                    struct finding_group **out, size_t *count)
{
    struct finding_group *groups = arena_alloc(a, (f->count + 1) * sizeof *groups);
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *x = &f->items[i];
        size_t of_kind;
        struct finding_group *last, *g;
        if (x->level != level)
            continue;
        g = find_group(groups, n, x, &of_kind, &last);
        if (g == NULL && of_kind >= LISTED && x->table[0] != '\0') {
            last->alike++;
            continue;
        }
        if (g == NULL) {
            g = &groups[n++];
            g->first = x;
        }
        add_table(g, x, a);
    }
    *out = groups;
    *count = n;
}

/* "public.a", or "7 tables (a, b, c ...)". */
static void name_tables(struct buf *b, const struct finding_group *g)
{
    if (g->ntables == 1)
        buf_puts(b, g->tables[0]);
    if (g->ntables <= 1)
        return;
    buf_printf(b, "%zu tables (", g->ntables);
    for (size_t i = 0; i < g->ntables && i < NAMED; i++)
        buf_printf(b, "%s%s", i != 0 ? ", " : "", g->tables[i]);
    buf_puts(b, g->ntables > NAMED ? " ...)" : ")");
}

char *finding_where(const struct finding_group *g, struct arena *a)
{
    struct buf b = {0};
    buf_puts(&b, g->first->side);
    if (g->ntables != 0 && b.len != 0)
        buf_puts(&b, ": ");
    name_tables(&b, g);
    return buf_take(a, &b);
}

char *finding_line(const struct finding_group *g, struct arena *a)
{
    const struct finding *f = g->first;
    const char *where = finding_where(g, a);
    const char *more = g->alike != 0 ? arena_printf(a, "; and %zu more like this", g->alike) : "";
    return arena_printf(a, "%s: %s%s%s%s%s%s%s", finding_level_name(f->level), where,
                        where[0] != '\0' ? ": " : "", f->text, f->hint[0] != '\0' ? " (" : "", f->hint,
                        f->hint[0] != '\0' ? ")" : "", more);
}

/* ---- what they amount to ---- */

bool findings_pass(const struct findings *f, struct err *e)
{
    const struct finding *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].level != FINDING_BLOCKER)
            continue;
        if (first == NULL)
            first = &f->items[i];
        else
            more++;
    }
    if (first == NULL)
        return true;
    const char *side = first->side, *colon = side[0] != '\0' ? ": " : "";
    const char *table = first->table, *then = table[0] != '\0' ? ": " : "";
    if (more == 0)
        err_set(e, ERR_CONFIG, "%s%s%s%s%s", side, colon, table, then, first->text);
    else
        err_set(e, ERR_CONFIG, "%s%s%s%s%s (and %zu more: `repl check` lists them)", side, colon, table, then,
                first->text, more);
    if (first->hint[0] != '\0')
        err_hint(e, "%s", first->hint);
    return false;
}
