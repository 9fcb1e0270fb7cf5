#include "repl/verify_report.h"

#include <stdlib.h>
#include <string.h>

#include "repl/str.h"

void verify_table_free(struct verify_table *t)
{
    free(t->schema);
    free(t->name);
    free(t->state);
    free(t->reason);
    free(t->planned_to);
    *t = (struct verify_table){0};
}

void verify_difference_free(struct verify_difference *d)
{
    free(d->table);
    free(d->kind);
    free(d->key);
    free(d->shown);
    free(d->columns);
    free(d->source);
    free(d->target);
}

void verify_report_free(struct verify_report *r)
{
    for (size_t i = 0; i < r->ntables; i++)
        verify_table_free(&r->tables[i]);
    for (size_t i = 0; i < r->ndifferences; i++)
        verify_difference_free(&r->differences[i]);
    for (size_t i = 0; i < r->nnotes; i++)
        free(r->notes[i].what);
    free(r->tables);
    free(r->differences);
    free(r->notes);
    free(r->began_at);
    free(r->ended_at);
    free(r->options);
    free(r->result);
    *r = (struct verify_report){0};
}

struct verify_sums verify_report_sums(const struct verify_report *r)
{
    struct verify_sums s = {0};
    for (size_t i = 0; i < r->ntables; i++) {
        const struct verify_table *t = &r->tables[i];
        s.rows += t->rows;
        s.bytes += t->bytes;
        s.missing += t->missing;
        s.extra += t->extra;
        s.different += t->different;
        s.repaired += t->repaired;
        s.unsettled += t->unsettled;
        s.ranges += t->ranges;
        s.left_out += t->left_out;
        s.skipped += strcmp(t->state, "skipped") == 0;
        s.failed += strcmp(t->state, "failed") == 0;
        s.compared += strcmp(t->state, "compared") == 0;
    }
    for (size_t i = 0; i < r->ndifferences; i++) {
        s.sequences += strcmp(r->differences[i].kind, "sequence") == 0;
        s.repaired += r->differences[i].repaired && strcmp(r->differences[i].kind, "sequence") == 0;
    }
    return s;
}

static void show_text(char **text)
{
    char *shown = *text != NULL ? str_visible_copy(*text) : NULL;
    free(*text);
    *text = shown;
}

void verify_report_visible(struct verify_report *r)
{
    for (size_t i = 0; i < r->ntables; i++) {
        show_text(&r->tables[i].schema);
        show_text(&r->tables[i].name);
        show_text(&r->tables[i].reason);
    }
    for (size_t i = 0; i < r->ndifferences; i++) {
        show_text(&r->differences[i].table);
        show_text(&r->differences[i].shown);
        show_text(&r->differences[i].columns);
        show_text(&r->differences[i].source);
        show_text(&r->differences[i].target);
    }
    for (size_t i = 0; i < r->nnotes; i++)
        show_text(&r->notes[i].what);
}
