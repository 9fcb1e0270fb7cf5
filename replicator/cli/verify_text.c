/* The report of a comparison for people. */
#include <string.h>

#include "cmd.h"

enum { SHOWN_DIFFERENCES = 50 };

static void differences(struct buf *b, const struct verify_report *r)
{
    size_t shown = r->ndifferences < SHOWN_DIFFERENCES ? r->ndifferences : SHOWN_DIFFERENCES;
    for (size_t i = 0; i < shown; i++) {
        const struct verify_difference *d = &r->differences[i];
        buf_printf(b, "  %-9s  %s: %s", d->kind, d->table, d->shown);
        if (d->columns != NULL)
            buf_printf(b, "; columns %s", d->columns);
        buf_puts(b, d->repaired ? "; repaired\n" : "\n");
        if (d->source != NULL)
            buf_printf(b, "             source: %s\n", d->source);
        if (d->target != NULL)
            buf_printf(b, "             target: %s\n", d->target);
    }
    if (shown < r->ndifferences)
        buf_puts(b, "  ... (more in `repl verify --last --json`)\n");
}

static void counts(struct buf *b, const struct verify_table *t)
{
    buf_printf(b, "%lld rows", (long long)t->rows);
    if (t->missing != 0)
        buf_printf(b, ", %lld missing on the target", (long long)t->missing);
    if (t->extra != 0)
        buf_printf(b, ", %lld only on the target", (long long)t->extra);
    if (t->different != 0)
        buf_printf(b, ", %lld different", (long long)t->different);
    if (t->repaired != 0)
        buf_printf(b, ", %lld repaired", (long long)t->repaired);
    if (t->unsettled != 0)
        buf_printf(b, ", %lld not settled", (long long)t->unsettled);
}

/* Tables that are just equal are a number, not lines. */
static void tables(struct buf *b, const struct verify_report *r, bool all)
{
    for (size_t i = 0; i < r->ntables; i++) {
        const struct verify_table *t = &r->tables[i];
        bool compared = strcmp(t->state, "compared") == 0;
        if (!all && compared && t->missing + t->extra + t->different + t->unsettled == 0)
            continue;
        buf_printf(b, "  %s.%s: ", t->schema, t->name);
        if (compared)
            counts(b, t);
        else
            buf_printf(b, "not compared: %s", t->reason != NULL ? t->reason : t->state);
        buf_puts(b, "\n");
    }
}

static void not_compared(struct buf *b, const struct verify_report *r, const struct verify_sums *s)
{
    const char *comma = "not compared: ";
    for (size_t i = 0; i < r->nnotes; i++) {
        if (strstr(r->notes[i].what, VERIFY_NOTE_SET_BACK) != NULL)
            continue;
        buf_puts(b, comma);
        if (r->notes[i].count != 0)
            buf_printf(b, "%lld ", (long long)r->notes[i].count);
        buf_puts(b, r->notes[i].what);
        comma = ", ";
    }
    if (s->left_out != 0) {
        buf_printf(b, "%s%lld of %lld ranges (--sample)", comma, (long long)s->left_out,
                   (long long)s->ranges);
        comma = ", ";
    }
    if (s->unsettled != 0) {
        buf_printf(b, "%s%lld keys that were owed or changed each time they were looked at", comma,
                   (long long)s->unsettled);
        comma = ", ";
    }
    if (comma[0] == ',')
        buf_puts(b, "\n");
}

static void set_back(struct buf *b, const struct verify_report *r)
{
    for (size_t i = 0; i < r->nnotes; i++)
        if (strstr(r->notes[i].what, VERIFY_NOTE_SET_BACK) != NULL)
            buf_printf(b, "warning: %s\n", r->notes[i].what);
}

static bool behind_the_fence(const struct verify_report *r)
{
    for (size_t i = 0; i < r->nnotes; i++)
        if (strcmp(r->notes[i].what, VERIFY_NOTE_FENCED) == 0)
            return true;
    return false;
}

static const char *next(const struct verify_report *r, const struct verify_sums *s)
{
    if (strcmp(r->result, "equal") == 0)
        return NULL;
    if (strcmp(r->result, "incomplete") == 0)
        return "repl status; when it follows, repl verify again";
    if (behind_the_fence(r))
        return "where the application writes to the target, that is as it should be; it would stay there "
               "alone after "
               "repl cutover --abort";
    bool repairs = strstr(r->options, ", repair") != NULL;
    if (repairs && s->missing + s->extra + s->different + (int64_t)s->sequences > s->repaired)
        return "repl kick --wait, then repl verify";
    return "repl verify --repair";
}

void verify_text(struct buf *b, const struct verify_report *r, bool all)
{
    char took[32], read[32], net[32];
    struct verify_sums s = verify_report_sums(r);
    buf_printf(b, "%s: %zu tables compared, %lld rows, %s in %s; %s over the network for rows\n", r->result,
               s.compared, (long long)s.rows, str_bytes(read, sizeof read, (double)s.bytes),
               str_duration(took, sizeof took, r->seconds), str_bytes(net, sizeof net, (double)r->network));
    buf_printf(b, "begun %s, ended %s (%s)\n", r->began_at, r->ended_at != NULL ? r->ended_at : "not yet",
               r->options);
    tables(b, r, all);
    differences(b, r);
    not_compared(b, r, &s);
    set_back(b, r);
    const char *type = next(r, &s);
    if (type != NULL)
        buf_printf(b, "next: %s\n", type);
}
