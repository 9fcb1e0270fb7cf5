#include "cmd.h"

static bool exec(struct context *c, struct err *e)
{
    return context_tell(c, "pause", "is paused", "paused", e);
}

const struct cmd cmd_pause = {
    .name = "pause",
    .args = "[TABLE]",
    .max_words = 1,
    .text = "Pause the engine, or one table (schema.name)",
    .detail = "Capture goes on at the source, so nothing is lost: what is owed grows until `repl resume`.",
    .exec = exec};
