#include <stdio.h>
#include <unistd.h>

#include "cmd.h"

static const struct option_spec options[] = {
    {"source", required_argument, 0, "URL", "the database to move from (default: init's)"},
    {"target", required_argument, 0, "URL", "the database to move to (default: init's)"},
    {"schema", required_argument, 0, "NAME", "repl's own schema on both sides (repl)"},
    {"tables", required_argument, 0, "LIST", "only these tables, with * and ?; repeatable"},
    {"exclude", required_argument, 0, "LIST", "not these tables; repeatable"},
    {"jobs", required_argument, 'j', "N", "workers, each with a connection to both sides (4)"},
    {"no-schema", no_argument, 0, NULL, "the target's tables are made by somebody else"},
    {"overwrite", no_argument, 0, NULL, "tables that hold rows on the target may be emptied"},
    {"json", no_argument, 0, NULL, "as JSON"},
    {NULL, 0, 0, NULL, NULL},
};

/* What init knows where there was one, with the options over it. */
static bool fill_sync(struct context *c, struct sync *s, struct err *e)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/state.db", c->dir);
    if (access(path, F_OK) != 0) {
        sync_defaults(s, c->dir);
    } else {
        if (!context_open(c, e) || !sync_load(c->state, s, e))
            return false;
    }
    return sync_from_args(c, s, e) && sync_need_both(s, "check", e);
}

static bool look(struct context *c, const struct sync *s, struct err *e)
{
    struct conn *source = NULL, *target = NULL;
    struct arena *a = arena_new();
    struct findings found;
    bool ok = sync_connect(s, SIDE_SOURCE, "check", &source, e) &&
              sync_connect(s, SIDE_TARGET, "check", &target, e) &&
              preflight_run(s, source, target, a, &found, e);
    if (ok) {
        struct err blocker;
        c->out->findings(&found);
        c->printed = true;
        c->exit_code = findings_pass(&found, &blocker) ? 0 : 1;
    }
    conn_close(source);
    conn_close(target);
    arena_free(a);
    return ok;
}

static bool exec(struct context *c, struct err *e)
{
    struct sync s = {0};
    bool ok = fill_sync(c, &s, e) && look(c, &s, e);
    sync_free(&s);
    return ok;
}

const struct cmd cmd_check = {
    .name = "check",
    .args = "",
    .text = "Look at both sides for what would stop a migration; change nothing",
    .detail =
        "Every finding is ok, a warning or a blocker, with what to type; with a blocker the exit code is 1.\n"
        "A URL is postgres://..., env:NAME, file:PATH or command:CMD, read again at each connection.",
    .options = options,
    .exec = exec};
