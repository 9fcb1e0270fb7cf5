#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "repl/control.h"
#include "repl/init.h"

static void say(void *arg, const char *text)
{
    (void)arg;
    put_line(stdout, "%s", text);
}

/* No engine runs: all but the rows, in this process. */
static bool add_here(struct context *c, const char *table, struct err *e)
{
    char *added = NULL;
    const struct add_options o = {.lock = true, .say = say};
    bool ok = context_open(c, e) && init_add(&c->sync, table, &o, &added, e) &&
              sync_selects(&c->sync, added, c->state, e);
    if (ok)
        put_line(stdout, "%s is part of the sync; its rows come with: repl start", added);
    free(added);
    return ok;
}

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "add"};
    bool running;
    if (c->args.nwords == 0) {
        err_set(e, ERR_USAGE, "add: which table?");
        return err_hint(e, "repl add schema.table");
    }
    r.table = c->args.words[0];
    if (!control_ask(c->dir, &r, &running, NULL, e))
        return false;
    if (!running)
        return add_here(c, r.table, e);
    put_line(stdout, "%s is part of the sync; it is copied beside the others", r.table);
    return true;
}

const struct cmd cmd_add = {.name = "add",
                            .args = "TABLE",
                            .max_words = 1,
                            .text = "Add a new table of the source to the sync, while the engine runs too",
                            .detail = "Its schema comes over where the target has none (not with "
                                      "--no-schema), then its rows, beside the others,\n"
                                      "which go on. The target's table must be empty.",
                            .exec = exec};
