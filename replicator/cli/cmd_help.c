#include <stdio.h>

#include "cmd.h"

static bool exec(struct context *c, struct err *e)
{
    struct buf b = {0};
    if (c->args.nwords == 0) {
        help_overview(&b);
    } else {
        const struct cmd *cmd = need_command(c->args.words[0], e);
        if (cmd == NULL)
            return false;
        help_command(&b, cmd);
    }
    fputs(buf_text(&b), stdout);
    buf_free(&b);
    return true;
}

const struct cmd cmd_help = {.name = "help",
                             .args = "[COMMAND]",
                             .max_words = 1,
                             .text = "Show the commands, or one of them",
                             .exec = exec};
