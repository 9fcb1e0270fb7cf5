/* Help, made from the tables of commands and options alone. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "repl/version.h"

/* "  -D, --dir DIR" */
static void add_option_name(struct buf *b, const struct option_spec *o)
{
    if (o->letter != 0)
        buf_printf(b, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(b, "      --%s", o->name);
    if (o->value != NULL)
        buf_printf(b, " %s", o->value);
}

static void add_options(struct buf *b, const char *title, const struct option_spec *options)
{
    size_t width = 0;
    for (const struct option_spec *o = options; o->name != NULL; o++) {
        size_t w = strlen(o->name) + (o->value != NULL ? strlen(o->value) + 1 : 0);
        width = w > width ? w : width;
    }
    buf_printf(b, "\n%s\n", title);
    for (const struct option_spec *o = options; o->name != NULL; o++) {
        struct buf name = {0};
        add_option_name(&name, o);
        buf_printf(b, "%-*s  %s\n", (int)width + 8, name.data, o->text);
        buf_free(&name);
    }
}

void help_overview(struct buf *b)
{
    buf_printf(b, "repl %s moves a live PostgreSQL database with triggers and COPY.\n\n", REPL_VERSION);
    buf_puts(b, "usage: repl [-D DIR] COMMAND [OPTIONS]\n\ncommands\n");
    for (const struct cmd *const *c = commands; *c != NULL; c++)
        buf_printf(b, "  %-8s  %s\n", (*c)->name, (*c)->text);
    add_options(b, "options of every command", global_options);
    buf_puts(b,
             "\nA migration: repl init --source URL --target URL; repl start --detach; repl status --watch\n"
             "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not yet.\n"
             "`repl help COMMAND` tells more.\n");
}

void help_command(struct buf *b, const struct cmd *c)
{
    buf_printf(b, "usage: repl %s%s%s%s\n\n%s.\n", c->name, c->options != NULL ? " [OPTIONS]" : "",
               c->args[0] != '\0' ? " " : "", c->args, c->text);
    if (c->detail != NULL)
        buf_printf(b, "\n%s\n", c->detail);
    if (c->options != NULL)
        add_options(b, "options", c->options);
    add_options(b, "options of every command", global_options);
}
