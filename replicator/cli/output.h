/* What commands say, as text for people or JSON for programs; a command never asks which. */
#ifndef REPL_CLI_OUTPUT_H
#define REPL_CLI_OUTPUT_H

#include <stdio.h>

#include "repl/check.h"
#include "repl/cli.h"
#include "repl/state.h"

struct output {
    bool is_text;     /* for people: what others wrote is made visible (str_visible) */
    bool shows_sides; /* wants source and target in the view */
    void (*status)(const struct status *s, const struct status_view *v);
    void (*status_again)(const struct status *s, const struct status_view *v); /* one of many: --watch */
    void (*preflight)(const struct preflight *p, bool all);                    /* all: what is well, too */
    void (*event)(const struct state_event *ev);
    void (*verify)(const struct verify_report *r, bool all); /* all: equal tables too, as text */
    void (*version)(void);
    /* printed: the command's own object is there already. Always also as text on standard error. */
    void (*error)(const struct err *e, bool printed);
};

extern const struct output output_text, output_json;

/* A line of text, as str_visible shows it: the one way for what holds names, messages or hints of others. */
void put_line(FILE *to, const char *fmt, ...) PRINTF(2, 3);

/* check_text.c */
struct check_view {
    bool all;    /* list what is well */
    int columns; /* longer lines are wrapped; 0: none is */
    bool color;
};
void preflight_text(struct buf *b, const struct preflight *p, const struct check_view *v);
void preflight_json(const struct preflight *p, bool all);

#endif
