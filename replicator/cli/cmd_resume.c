#include "cmd.h"

static bool exec(struct context *c, struct err *e)
{
    return context_tell(c, "resume", "goes on", "resumed", e);
}

const struct cmd cmd_resume = {.name = "resume",
                               .args = "[TABLE]",
                               .max_words = 1,
                               .text = "Go on after pause, or after a table was mended",
                               .exec = exec};
