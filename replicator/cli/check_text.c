/*
 * What `repl check` prints. Text: a column each for level, topic and side, what is fine first and what stops the
 * migration last, where the eye is when the command is done; of thousands of alike findings one. JSON: all of them.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "output.h"
#include "repl/cli.h"
#include "repl/str.h"

enum { LEVEL_WIDTH = 9, NARROW = 110 };

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

static enum color color_of(enum finding_level level)
{
    return level == FINDING_BLOCKER ? COLOR_RED : level == FINDING_WARNING ? COLOR_YELLOW : COLOR_GREEN;
}

static void add_level(struct buf *b, const struct check_view *v, enum finding_level level)
{
    const char *name = finding_level_name(level);
    add_color(b, v->color, color_of(level));
    buf_puts(b, name);
    add_color(b, v->color, COLOR_PLAIN);
    buf_printf(b, "%*s", LEVEL_WIDTH - (int)strlen(name), "");
}

/* What belongs to a finding stands below its text, or where there is no room for that, below its topic. */
static int below(const struct check_view *v, int width)
{
    return v->columns != 0 && v->columns < NARROW ? 0 : width + 2;
}

static void add_group(struct buf *b, const struct check_view *v, const struct finding_group *g, int width,
                      struct arena *a)
{
    const struct finding *f = g->first;
    const char *where = finding_where(g, a);
    add_level(b, v, f->level);
    buf_printf(b, "%-*s  ", width, f->topic);
    str_visible(b, where);
    buf_puts(b, where[0] != '\0' ? ": " : "");
    str_visible(b, f->text);
    int indent = LEVEL_WIDTH + below(v, width);
    if (f->hint[0] != '\0') {
        buf_printf(b, "\n%*s%s", indent, "", g->ntables > 1 ? "each: " : "-> ");
        str_visible(b, f->hint);
    }
    buf_puts(b, "\n");
    if (g->alike != 0)
        buf_printf(b, "%*sand %zu more like this: repl check --json lists them\n", indent, "", g->alike);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* "ok       39 checks passed: 124 MB of rows; about 1.7s for the copy, then 1.7s for the indexes (repl check -v lists them)" */
static void add_well(struct buf *b, const struct check_view *v, const struct preflight *p, size_t n)
{
    char rows[32], indexes[32], copy[32], build[32];
    const struct estimate *t = &p->estimate;
    if (n == 0)
        return;
    add_level(b, v, FINDING_OK);
    buf_printf(b, "%zu check%s passed", n, plural(n));
    if (t->bytes >= 0)
        buf_printf(b, ": %s of rows, %s of indexes", str_bytes(rows, sizeof rows, (double)t->bytes),
                   str_bytes(indexes, sizeof indexes, (double)(t->index_bytes > 0 ? t->index_bytes : 0)));
    if (t->copy_seconds >= 0 && t->index_seconds >= 0)
        buf_printf(b, "; about %s for the copy, then about %s for the indexes",
                   str_duration(copy, sizeof copy, t->copy_seconds),
                   str_duration(build, sizeof build, t->index_seconds));
    buf_puts(b, " (repl check -v lists them)\n");
}

static int indent_of(const char *line, const void *topic_width)
{
    (void)line;
    return LEVEL_WIDTH + *(const int *)topic_width;
}

void preflight_text(struct buf *b, const struct preflight *p, const struct check_view *v)
{
    const struct findings *f = &p->found;
    struct arena *a = arena_new();
    struct buf lines = {0};
    int width = longest_topic(f);
    size_t shown[FINDING_BLOCKER + 1]; /* what is listed is what is counted */
    for (enum finding_level level = FINDING_OK; level <= FINDING_BLOCKER; level++) {
        struct finding_group *groups;
        size_t n;
        findings_group(f, level, a, &groups, &n);
        shown[level] = n;
        if (level == FINDING_OK && !v->all) {
            add_well(&lines, v, p, count_level(f, FINDING_OK));
            continue;
        }
        for (size_t i = 0; i < n; i++)
            add_group(&lines, v, &groups[i], width, a);
    }
    arena_free(a);
    size_t blockers = shown[FINDING_BLOCKER], warnings = shown[FINDING_WARNING];
    buf_printf(&lines, "\n%zu blocker%s, %zu warning%s, %zu ok; next: %s\n", blockers, plural(blockers),
               warnings, plural(warnings), count_level(f, FINDING_OK),
               blockers != 0   ? "fix the blockers, then run repl check again (repl init would refuse)"
               : warnings != 0 ? "judge the warnings, then repl init"
                               : "repl init");
    const int indent = below(v, width);
    text_wrap(b, buf_text(&lines), v->columns, indent_of, &indent);
    buf_free(&lines);
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

void preflight_json(const struct preflight *p, bool all)
{
    (void)all;
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
