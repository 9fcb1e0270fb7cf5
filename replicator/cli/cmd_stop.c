#include <stdio.h>

#include "cmd.h"
#include "repl/control.h"

static const struct option_spec options[] = {
    {"timeout", required_argument, 0, "S",
     "give up waiting after that many seconds (the engine still stops)"},
    {NULL, 0, 0, NULL, NULL},
};

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "stop"};
    bool running;
    if (!args_seconds(&c->args, "timeout", &r.timeout_ms, e) || !control_ask(c->dir, &r, &running, NULL, e))
        return false;
    /* Already so is fine, but for a directory that is none. */
    if (!running && !context_open(c, e))
        return false;
    puts(running ? "the engine has stopped" : "no engine is running");
    return true;
}

const struct cmd cmd_stop = {
    .name = "stop",
    .args = "",
    .text = "Stop the engine when its batch is finished",
    .detail = "Capture goes on at the source; `repl start` brings over what was written meanwhile.",
    .options = options,
    .exec = exec};
