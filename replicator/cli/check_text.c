/*
 * What `repl check` prints. Text: a column each for level, topic and side, what is fine first and what stops the
 * migration last, where the eye is when the command is done; of thousands of alike findings one. JSON: all of them.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

static size_t count_level(const struct findings *f, enum finding_level level)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->items[i].level == level;
    return n;
}

/* ---- text ---- */

static int longest_topic(const struct findings *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        if (strlen(f->items[i].topic) > n)
            n = strlen(f->items[i].topic);
    return (int)n;
}

static void print_group(const struct finding_group *g, int width, struct arena *a)
{
    const struct finding *f = g->first;
    const char *where = finding_where(g, a);
    put_line(stdout, "%-8s %-*s  %s%s%s", finding_level_name(f->level), width, f->topic, where,
             where[0] != '\0' ? ": " : "", f->text);
    if (f->hint[0] != '\0')
        put_line(stdout, "%-8s %-*s  %s%s", "", width, "", g->ntables > 1 ? "each: " : "-> ", f->hint);
    if (g->alike != 0)
        printf("%-8s %-*s  and %zu more like this: repl check --json lists them\n", "", width, "", g->alike);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

void preflight_text(const struct preflight *p)
{
    const struct findings *f = &p->found;
    struct arena *a = arena_new();
    int width = longest_topic(f);
    size_t lines[FINDING_BLOCKER + 1]; /* what was printed is what is counted */
    for (enum finding_level level = FINDING_OK; level <= FINDING_BLOCKER; level++) {
        struct finding_group *groups;
        size_t n;
        findings_group(f, level, a, &groups, &n);
        for (size_t i = 0; i < n; i++)
            print_group(&groups[i], width, a);
        lines[level] = n;
    }
    arena_free(a);
    size_t blockers = lines[FINDING_BLOCKER], warnings = lines[FINDING_WARNING];
    printf("\n%zu blocker%s, %zu warning%s, %zu ok; next: %s\n", blockers, plural(blockers), warnings,
           plural(warnings), count_level(f, FINDING_OK),
           blockers != 0   ? "mend the blockers, then repl check again (repl init would refuse)"
           : warnings != 0 ? "judge the warnings, then repl init"
                           : "repl init");
}

/* ---- JSON ---- */

static void add_text(cJSON *o, const char *key, const char *value)
{
    if (value[0] != '\0')
        cJSON_AddStringToObject(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

static void add_known(cJSON *o, const char *key, double value)
{
    if (value >= 0)
        cJSON_AddNumberToObject(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

static void add_findings(cJSON *root, const struct findings *f)
{
    cJSON *list = cJSON_AddArrayToObject(root, "findings");
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *x = &f->items[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "level", finding_level_name(x->level));
        cJSON_AddStringToObject(o, "topic", x->topic);
        add_text(o, "side", x->side);
        add_text(o, "table", x->table);
        cJSON_AddStringToObject(o, "text", x->text);
        add_text(o, "hint", x->hint);
        cJSON_AddItemToArray(list, o);
    }
}

static void add_summary(cJSON *root, const struct findings *f)
{
    cJSON *o = cJSON_AddObjectToObject(root, "summary");
    size_t blockers = count_level(f, FINDING_BLOCKER);
    cJSON_AddNumberToObject(o, "blockers", (double)blockers);
    cJSON_AddNumberToObject(o, "warnings", (double)count_level(f, FINDING_WARNING));
    cJSON_AddNumberToObject(o, "ok", (double)count_level(f, FINDING_OK));
    cJSON_AddBoolToObject(o, "passes", blockers == 0);
}

static void add_estimate(cJSON *root, const struct estimate *t)
{
    cJSON *o = cJSON_AddObjectToObject(root, "estimate");
    add_known(o, "bytes", (double)t->bytes);
    add_known(o, "index_bytes", (double)t->index_bytes);
    cJSON_AddNumberToObject(o, "connections", t->connections);
    cJSON_AddStringToObject(o, "rows_from", t->from_fork ? "fork" : "source");
    cJSON *from = cJSON_AddObjectToObject(o, "source"), *to = cJSON_AddObjectToObject(o, "target");
    add_known(from, "bytes_per_second", t->source.bytes_per_second);
    add_known(from, "round_trip_seconds", t->source.round_trip);
    add_known(to, "bytes_per_second", t->target.bytes_per_second);
    add_known(to, "round_trip_seconds", t->target.round_trip);
    add_known(o, "index_bytes_per_second", t->index_bytes_per_second);
    add_known(o, "copy_seconds", t->copy_seconds);
    add_known(o, "index_seconds", t->index_seconds);
}

void preflight_json(const struct preflight *p)
{
    cJSON *root = cJSON_CreateObject();
    add_findings(root, &p->found);
    add_summary(root, &p->found);
    add_estimate(root, &p->estimate);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        abort(); /* out of memory */
    puts(text);
    free(text);
}
