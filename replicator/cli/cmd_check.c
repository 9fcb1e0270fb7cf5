#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/mem.h"

static const struct option_spec options[] = {
    {"source", required_argument, 0, "URL", "the database to move from (default: init's)"},
    {"target", required_argument, 0, "URL", "the database to move to (default: init's)"},
    {"schema", required_argument, 0, "NAME", "repl's own schema on both sides (repl)"},
    {"tables", required_argument, 0, "LIST", "only these tables, with * and ?; repeatable"},
    {"exclude", required_argument, 0, "LIST", "not these tables; repeatable"},
    {"jobs", required_argument, 'j', "N", "workers, each with a connection to both sides (4)"},
    {"copy-from", required_argument, 0, "URL",
     "copy the rows from a fork made after an earlier init; \"source\": not"},
    {"seeded", no_argument, 0, NULL, "the target was restored from such a fork: take its rows"},
    {"no-schema", no_argument, 0, NULL, "the target's tables are made by somebody else"},
    {"always-triggers", required_argument, 0, "HOW",
     "the source's ENABLE ALWAYS triggers on the target: ordinary, or keep"},
    {"overwrite", no_argument, 0, NULL, "tables that hold rows on the target may be emptied"},
    {"allow-plaintext", no_argument, 0, NULL,
     "take sslmode=prefer and allow, by which a password may go in clear"},
    {"no-probe", no_argument, 0, NULL, "do not measure the wire: no COPY of a few seconds"},
    {"json", no_argument, 0, NULL, "as JSON, every finding"},
    {NULL, 0, 0, NULL, NULL},
};

/* What init knows where there was one, with the options over it. */
static bool fill_sync(struct context *c, struct sync *s, struct err *e)
{
    bool known = false;
    char *path = xasprintf("%s/state.db", c->dir);
    bool there = access(path, F_OK) == 0;
    free(path);
    if (there && (!state_open(c->dir, false, &c->state, e) || !sync_known(c->state, &known, e)))
        return false;
    if (!known)
        sync_defaults(s, c->dir);
    else if (!sync_load(c->state, s, e))
        return false;
    return sync_from_args(c, s, e) && sync_need_both(s, "check", e);
}

static void look(struct context *c, const struct sync *s)
{
    struct arena *a = arena_new();
    struct preflight p;
    struct err blocker;
    preflight_check(s, !args_has(&c->args, "no-probe"), a, &p);
    c->out->preflight(&p, c->verbose);
    c->printed = true;
    c->exit_code = findings_pass(&p.found, &blocker) ? 0 : 1;
    arena_free(a);
}

static bool exec(struct context *c, struct err *e)
{
    struct sync s = {0};
    bool ok = fill_sync(c, &s, e);
    state_close(c->state);
    c->state = NULL;
    if (ok)
        look(c, &s);
    sync_free(&s);
    return ok;
}

const struct cmd cmd_check = {
    .name = "check",
    .args = "",
    .text = "Look at both sides for what would stop a migration; change nothing",
    .detail =
        "Every finding is ok, a warning or a blocker, with what to type; all come in one run, and what "
        "a server\n"
        "does not answer is a finding, too. What is ok is counted, and listed with -v. With a blocker the "
        "exit\n"
        "code is 1, and init would refuse. Unless --no-probe says otherwise rows are read and written (and "
        "rolled\n"
        "back) for up to three seconds each, to say how long the copy will take. docs/check.md lists what "
        "is\n"
        "looked at.\n"
        "A URL is postgres://..., env:NAME, file:PATH or command:CMD, read again at each connection.",
    .options = options,
    .exec = exec};
