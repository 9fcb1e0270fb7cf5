#include <stdio.h>

#include "client.h"
#include "cmd.h"

static const struct option_spec options[] = {
    {"jobs", required_argument, 'j', "N", "workers, each with a connection to both sides: 1 to 64"},
    {"max-rate", required_argument, 'r', "RATE", "bytes a second read from the source: 20MB, unlimited"},
    {NULL, 0, 0, NULL, NULL},
};

/* More workers were wanted than the servers let in. */
static bool all_joined(const struct status *st, struct err *e)
{
    bool slowed = st->workers.running < st->workers.wanted && st->load.slowed != NULL;
    if (st->workers.error == NULL && !slowed)
        return true;
    err_set(e, ERR_NOT_YET, "the engine goes on with %d of %d workers: %s", st->workers.running,
            st->workers.wanted, st->workers.error != NULL ? st->workers.error : st->load.slowed);
    return err_hint(e, "raise the connection limit and give it again, or less: repl set --jobs %d",
                    st->workers.running);
}

static bool tell_engine(struct context *c, const struct control_request *r, bool *running, struct err *e)
{
    struct status st = {0};
    char rate[32];
    if (!control_ask(c->dir, r, running, &st, e))
        return false;
    if (!*running)
        return true;
    printf("%d workers, --max-rate %s\n", st.workers.wanted,
           str_rate(rate, sizeof rate, st.workers.max_rate));
    bool ok = all_joined(&st, e);
    status_free(&st);
    return ok;
}

/* For the next start. */
static bool save(struct context *c, const struct control_request *r, struct err *e)
{
    char rate[32];
    if (!context_open(c, e))
        return false;
    if (r->jobs != 0)
        c->sync.jobs = r->jobs;
    if (r->sets_rate)
        c->sync.max_rate = r->max_rate;
    if (!sync_save_pace(&c->sync, c->state, e))
        return false;
    printf("no engine is running; its next start has %d workers, --max-rate %s\n", c->sync.jobs,
           str_rate(rate, sizeof rate, c->sync.max_rate));
    return true;
}

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "set", .timeout_ms = JOIN_MS};
    bool running;
    long long jobs;
    if (!args_int(&c->args, "jobs", 1, JOBS_MOST, 0, &jobs, e) ||
        !args_rate(&c->args, "max-rate", &r.max_rate, e))
        return false;
    r.jobs = (int)jobs;
    r.sets_rate = args_has(&c->args, "max-rate");
    if (r.jobs == 0 && !r.sets_rate) {
        err_set(e, ERR_USAGE, "set: give --jobs, --max-rate or both");
        return err_hint(e, "repl set --max-rate 20MB --jobs 8; `repl status` shows what holds");
    }
    return tell_engine(c, &r, &running, e) && (running || save(c, &r, e));
}

const struct cmd cmd_set = {
    .name = "set",
    .args = "",
    .text = "Change workers and rate, while the engine runs too",
    .detail =
        "Holds at once, and for later starts. Workers that are too many finish what they are at; where the\n"
        "servers let fewer in than wanted, the engine goes on with those, and the exit code is 3.",
    .options = options,
    .exec = exec};
