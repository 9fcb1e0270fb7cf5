/* What the comparisons of the past (docs/verify.md) say for a cutover now. Sequences are left out: they are set behind the
 * fence. */
#include <stdlib.h>
#include <string.h>

#include "repl/cutover.h"
#include "repl/str.h"

enum { OLD_S = 24 * 3600, NAMED = 3 };

/* Some tables in words: "public.a, public.b and 3 more". */
struct named {
    struct buf text;
    size_t count;
};

static void name(struct named *n, const struct status_table *t)
{
    if (n->count++ < NAMED)
        buf_printf(&n->text, "%s%s.%s", n->text.len != 0 ? ", " : "", t->schema, t->name);
}

static const char *names(struct named *n)
{
    if (n->count > NAMED)
        buf_printf(&n->text, " and %zu more", n->count - NAMED);
    return buf_text(&n->text);
}

struct knowledge {
    struct named differing, never, sampled, incomplete;
    int64_t rows, rows_differing, unsettled;
    double age; /* of the table that was compared the longest ago */
};

static int by_name(const void *key, const void *element)
{
    const struct status_table *t = key;
    const struct verify_standing *s = element;
    int c = strcmp(t->schema, s->schema);
    return c != 0 ? c : strcmp(t->name, s->name);
}

static const struct verify_standing *standing_of(const struct verify_standing *l, size_t n,
                                                 const struct status_table *t)
{
    return n != 0 ? bsearch(t, l, n, sizeof *l, by_name) : NULL;
}

static void add(struct knowledge *k, const struct status_table *t, const struct verify_standing *s)
{
    if (s == NULL) {
        name(&k->never, t);
        return;
    }
    if (s->differing > 0)
        name(&k->differing, t);
    if (s->age < 0)
        name(&k->sampled, t);
    if (s->incomplete && s->unsettled != 0)
        name(&k->incomplete, t);
    k->rows += s->rows;
    k->rows_differing += s->differing > 0 ? s->differing : 0;
    k->unsettled += s->unsettled;
    k->age = s->age > k->age ? s->age : k->age;
}

static void say(struct finding *f, enum finding_level level, const char *text, const char *hint)
{
    *f = (struct finding){
        .level = level, .topic = "verify", .side = "", .table = "", .text = text, .hint = hint};
}

static void judge(struct knowledge *k, size_t tables, struct arena *a, struct finding *f)
{
    char age[32];
    static const char again[] = "repl verify";
    str_duration(age, sizeof age, k->age > 0 ? k->age : 0);
    if (k->differing.count != 0)
        say(f, FINDING_BLOCKER,
            arena_printf(a, "by the last verify %lld row%s differ%s: %s", (long long)k->rows_differing,
                         k->rows_differing == 1 ? "" : "s", k->rows_differing == 1 ? "s" : "",
                         names(&k->differing)),
            "repl verify --repair");
    else if (tables != 0 && k->never.count == tables)
        say(f, FINDING_WARNING, "never verified: nobody has compared the two sides", again);
    else if (k->never.count != 0)
        say(f, FINDING_WARNING,
            arena_printf(a, "%zu of %zu tables were never verified: %s", k->never.count, tables,
                         names(&k->never)),
            again);
    else if (k->sampled.count != 0)
        say(f, FINDING_WARNING,
            arena_printf(a, "of %zu of %zu tables only samples were verified: %s", k->sampled.count, tables,
                         names(&k->sampled)),
            again);
    else if (k->incomplete.count != 0)
        say(f, FINDING_WARNING,
            arena_printf(a, "verified %s ago, but what was owed then was not brought over: %s", age,
                         names(&k->incomplete)),
            again);
    else if (k->age > OLD_S)
        say(f, FINDING_WARNING, arena_printf(a, "verified %s ago: equal then, which is long ago", age),
            again);
    else
        say(f, FINDING_OK,
            arena_printf(a, "verified %s ago: equal (%zu table%s, %lld rows%s)", age, tables,
                         tables == 1 ? "" : "s", (long long)k->rows,
                         k->unsettled == 0
                             ? ""
                             : arena_printf(a, ", %lld keys changed at each look", (long long)k->unsettled)),
            "");
}

bool cutover_verified(struct state *state, const struct status *st, double now, struct arena *a,
                      struct finding *out, struct err *e)
{
    struct verify_standing *known;
    size_t n;
    struct knowledge k = {.age = -1};
    if (!state_verify_standing(state, now, a, &known, &n, e))
        return false;
    for (size_t i = 0; i < st->ntables; i++)
        add(&k, &st->tables[i], standing_of(known, n, &st->tables[i]));
    if (st->doubt.tables != 0)
        say(out, FINDING_BLOCKER,
            arena_printf(
                a,
                "%s; since then (%s) %d of %zu tables were not compared: the target may hold rows that "
                "the source does not have",
                st->doubt.reason, st->doubt.since, st->doubt.tables, st->ntables),
            "repl verify --repair");
    else
        judge(&k, st->ntables, a, out);
    struct named *const lists[] = {&k.differing, &k.never, &k.sampled, &k.incomplete};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        buf_free(&lists[i]->text);
    return true;
}
