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

char *finding_line(const struct finding *f, struct arena *a)
{
    static const char *const words[] = {
        [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_BLOCKER] = "blocker"};
    return arena_printf(a, "%s: %s%s%s%s%s%s%s%s", words[f->level], f->side, f->side[0] != '\0' ? ": " : "",
                        f->table, f->table[0] != '\0' ? ": " : "", f->text, f->hint[0] != '\0' ? " (" : "",
                        f->hint, f->hint[0] != '\0' ? ")" : "");
}

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
