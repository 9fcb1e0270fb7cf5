#include "toc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* PostgreSQL's kinds of entries that are not made before the rows, or that never go over. Longer names first where
 * one begins with another. Every other kind is of the section that it stands in. */
static const struct kind {
    const char *name;
    const char *left_out;
    enum toc_step step;
    bool opens_post_data; /* everything that follows waits for the rows, too */
    bool told;
} kinds[] = {
    {"COMMENT", NULL, TOC_COMMENTS, false, false},
    {"CHECK CONSTRAINT", NULL, TOC_CONSTRAINTS, true, false},
    {"FK CONSTRAINT", NULL, TOC_CONSTRAINTS, true, false},
    {"CONSTRAINT", NULL, TOC_INDEXES, true, false},
    {"INDEX ATTACH", NULL, TOC_INDEXES, true, false},
    {"INDEX", NULL, TOC_INDEXES, true, false},
    {"STATISTICS", NULL, TOC_INDEXES, true, false},
    {"EVENT TRIGGER", "an event trigger needs a superuser", TOC_CONSTRAINTS, true, true},
    {"TRIGGER", NULL, TOC_CONSTRAINTS, true, false},
    {"RULE", NULL, TOC_CONSTRAINTS, true, false},
    {"POLICY", NULL, TOC_CONSTRAINTS, true, false},
    {"ROW SECURITY", NULL, TOC_CONSTRAINTS, true, false},
    {"PUBLICATION TABLES IN SCHEMA", "publications stay behind", TOC_CONSTRAINTS, true, false},
    {"PUBLICATION TABLE", "publications stay behind", TOC_CONSTRAINTS, true, false},
    {"PUBLICATION", "publications stay behind", TOC_CONSTRAINTS, true, true},
    {"SUBSCRIPTION TABLE", "subscriptions stay behind", TOC_CONSTRAINTS, true, false},
    {"SUBSCRIPTION", "subscriptions stay behind", TOC_CONSTRAINTS, true, true},
    {"MATERIALIZED VIEW DATA", "repl refreshes materialized views itself", TOC_CONSTRAINTS, true, false},
    {"DEFAULT ACL", "the source's roles are not the target's", TOC_CONSTRAINTS, true, false},
    {"ACL", "the source's roles are not the target's", TOC_PRE_DATA, false, false},
    {"SECURITY LABEL", "security labels belong to the source's server", TOC_CONSTRAINTS, false, true},
    {"USER MAPPING", "a user mapping names the source's roles and holds passwords", TOC_PRE_DATA, false,
     true},
    {"DATABASE PROPERTIES", "the target's database is its own", TOC_PRE_DATA, false, false},
    {"DATABASE", "the target's database is its own", TOC_PRE_DATA, false, false},
};

/* Kinds of two and more words that go over as they stand; one-word kinds need no table. */
static const char *const long_kinds[] = {
    "ACCESS METHOD",
    "FOREIGN DATA WRAPPER",
    "FOREIGN SERVER",
    "FOREIGN TABLE",
    "MATERIALIZED VIEW",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PROCEDURAL LANGUAGE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SHELL TYPE",
    "TABLE ATTACH",
    "TABLE DATA",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
};

/* s begins with the word(s), and a blank follows. */
static bool begins(const char *s, const char *word)
{
    size_t n = strlen(word);
    return strncmp(s, word, n) == 0 && s[n] == ' ';
}

static const struct kind *kind_at(const char *s)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(s, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static size_t kind_length(const char *s)
{
    size_t best = strcspn(s, " ");
    const struct kind *k = kind_at(s);
    if (k != NULL && strlen(k->name) > best)
        best = strlen(k->name);
    for (size_t i = 0; i < sizeof long_kinds / sizeof *long_kinds; i++)
        if (begins(s, long_kinds[i]) && strlen(long_kinds[i]) > best)
            best = strlen(long_kinds[i]);
    return best;
}

static bool number(const char **s, char end, unsigned long *out)
{
    char *stop;
    if (!isdigit((unsigned char)**s))
        return false;
    *out = strtoul(*s, &stop, 10);
    if (*stop != end)
        return false;
    *s = stop + 1;
    while (**s == ' ')
        (*s)++;
    return true;
}

static void leave_out(struct toc_entry *t, const char *why, bool told)
{
    t->left_out = why;
    t->told = told;
}

/* Of comments on things without a schema only those on the user's schemas go over: the others are an extension's,
 * or of what stays behind. */
static bool comment_stays(const char *rest)
{
    if (!begins(rest, "-"))
        return false;
    return !begins(rest + 2, "SCHEMA") || begins(rest + 2, "SCHEMA public");
}

/* What never goes over: what needs a superuser, names roles that the target lacks, or is the target's own. */
static void leave_out_always(struct toc_entry *t, const struct kind *k)
{
    if (k != NULL && k->left_out != NULL)
        leave_out(t, k->left_out, k->told);
    else if (strcmp(t->kind, "COMMENT") == 0 && comment_stays(t->rest))
        leave_out(t, "the comment is on something that is the target's own", false);
    else if (strcmp(t->kind, "SCHEMA") == 0 && begins(t->rest, "- public"))
        leave_out(t, "the target has a schema public", false);
}

/* "3264; 2606 16510 CONSTRAINT public account account_pkey app" */
static bool parse_line(const char *line, struct arena *a, bool *post_data, struct toc_entry *t)
{
    const char *s = line;
    unsigned long id, class_oid, oid;
    if (!number(&s, ';', &id) || !number(&s, ' ', &class_oid) || !number(&s, ' ', &oid) || *s == '\0')
        return false;
    size_t n = kind_length(s);
    *t = (struct toc_entry){
        .id = (int)id, .class_oid = (uint32_t)class_oid, .oid = (uint32_t)oid, .line = line};
    t->kind = arena_printf(a, "%.*s", (int)n, s);
    t->rest = s[n] == ' ' ? s + n + 1 : s + n;
    const struct kind *k = kind_at(s);
    *post_data = *post_data || (k != NULL && k->opens_post_data);
    t->step = k != NULL ? k->step : *post_data ? TOC_INDEXES : TOC_PRE_DATA;
    leave_out_always(t, k);
    return true;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static int compare_numbers(const void *x, const void *y)
{
    const struct toc_entry *a = *(struct toc_entry *const *)x, *b = *(struct toc_entry *const *)y;
    if (a->class_oid != b->class_oid)
        return a->class_oid < b->class_oid ? -1 : 1;
    return (a->oid > b->oid) - (a->oid < b->oid);
}

static void sort_by_number(struct toc *t, struct arena *a)
{
    t->by_number = arena_alloc(a, (t->count + 1) * sizeof(struct toc_entry *));
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].class_oid != 0)
            t->by_number[t->numbered++] = &t->items[i];
    qsort(t->by_number, t->numbered, sizeof(struct toc_entry *), compare_numbers);
}

bool toc_parse(const char *text, struct arena *a, struct toc *out, struct err *e)
{
    bool post_data = false;
    char *save = NULL, *copy = arena_strdup(a, text);
    *out = (struct toc){.items = arena_alloc(a, count_lines(text) * sizeof *out->items)};
    for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == ';')
            continue;
        if (!parse_line(line, a, &post_data, &out->items[out->count]))
            return err_set(e, ERR_OS, "pg_restore -l printed a line that repl does not know: %.200s", line);
        out->count++;
    }
    sort_by_number(out, a);
    return true;
}

struct toc_entry *toc_find(const struct toc *t, uint32_t class_oid, uint32_t oid)
{
    const struct toc_entry wanted = {.class_oid = class_oid, .oid = oid}, *key = &wanted;
    struct toc_entry **found =
        bsearch(&key, t->by_number, t->numbered, sizeof(struct toc_entry *), compare_numbers);
    return found != NULL ? *found : NULL;
}

void toc_leave_out_comment(struct toc *t, const char *schema, const char *constraint, const char *table)
{
    struct buf plain = {0}, quoted = {0};
    buf_printf(&plain, "%s CONSTRAINT %s ON %s ", schema, constraint, table);
    buf_printf(&quoted, "%s CONSTRAINT \"%s\" ON %s ", schema, constraint, table);
    for (size_t i = 0; i < t->count; i++) {
        struct toc_entry *it = &t->items[i];
        if (strcmp(it->kind, "COMMENT") == 0 && (strncmp(it->rest, plain.data, plain.len) == 0 ||
                                                 strncmp(it->rest, quoted.data, quoted.len) == 0))
            leave_out(it, "the constraint is left out", false);
    }
    buf_free(&plain);
    buf_free(&quoted);
}

/* The ATTACH of a partition has no number; it says schema, name and owner as the table's entry does. */
static void attachment_present(struct toc *t, const char *rest)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].kind, "TABLE ATTACH") == 0 && strcmp(t->items[i].rest, rest) == 0)
            t->items[i].present = true;
}

void toc_present(struct toc *t, uint32_t class_oid, uint32_t oid, bool attached)
{
    struct toc_entry *it = toc_find(t, class_oid, oid);
    if (it == NULL)
        return;
    it->present = true;
    if (attached)
        attachment_present(t, it->rest);
}

bool toc_left(const struct toc_entry *it, enum toc_step step)
{
    return it->step == step && it->left_out == NULL && !it->present;
}

void toc_numbers(const struct toc *t, struct buf *classes, struct buf *oids)
{
    const char *comma = "";
    buf_puts(classes, "{");
    buf_puts(oids, "{");
    for (size_t i = 0; i < t->count; i++) {
        if (t->items[i].class_oid == 0)
            continue;
        buf_printf(classes, "%s%u", comma, t->items[i].class_oid);
        buf_printf(oids, "%s%u", comma, t->items[i].oid);
        comma = ",";
    }
    buf_puts(classes, "}");
    buf_puts(oids, "}");
}
