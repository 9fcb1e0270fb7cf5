#include <stdio.h>

#include "client.h"
#include "cmd.h"

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "pause", .timeout_ms = ANSWER_MS};
    bool running;
    if (c->args.nwords != 0)
        r.table = c->args.words[0];
    if (!control_ask(c->dir, &r, &running, NULL, e))
        return false;
    if (!running)
        return context_not_running(c, e);
    if (r.table != NULL)
        printf("%s is paused\n", r.table);
    else
        puts("paused");
    return true;
}

const struct cmd cmd_pause = {
    .name = "pause",
    .args = "[TABLE]",
    .max_words = 1,
    .text = "Pause the engine, or one table (schema.name)",
    .detail = "Capture goes on at the source, so nothing is lost: what is owed grows until `repl resume`.",
    .exec = exec};
