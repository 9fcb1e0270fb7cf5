#include "cmd.h"

static const struct option_spec options[] = {
    {"json", no_argument, 0, NULL, "as JSON, with the versions of what it speaks"},
    {NULL, 0, 0, NULL, NULL},
};

static bool exec(struct context *c, struct err *e)
{
    (void)e;
    c->out->version();
    return true;
}

const struct cmd cmd_version = {
    .name = "version", .args = "", .text = "Show the version", .options = options, .exec = exec};
