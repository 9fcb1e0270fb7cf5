#include <stdio.h>

#include "client.h"
#include "cmd.h"

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "resume", .timeout_ms = ANSWER_MS};
    bool running;
    if (c->args.nwords != 0)
        r.table = c->args.words[0];
    if (!control_ask(c->dir, &r, &running, NULL, e))
        return false;
    if (!running)
        return context_not_running(c, e);
    if (r.table != NULL)
        printf("%s goes on\n", r.table);
    else
        puts("resumed");
    return true;
}

const struct cmd cmd_resume = {.name = "resume",
                               .args = "[TABLE]",
                               .max_words = 1,
                               .text = "Go on after pause, or after a table was mended",
                               .exec = exec};
