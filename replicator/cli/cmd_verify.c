#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "progress.h"
#include "repl/control.h"
#include "repl/log.h"
#include "repl/verify.h"
#include "signals.h"

enum { SETTLE_MS = 10000 };

static const struct option_spec options[] = {
    {"tables", required_argument, 't', "LIST", "only these tables, with * and ?; repeatable"},
    {"sample", required_argument, 0, "PERCENT", "only that part of the rows, chosen by ranges of keys"},
    {"repair", no_argument, 0, NULL, "owe what differs to the target once more, and look again"},
    {"show-values", no_argument, 0, NULL, "show values that differ, and keep them in the report"},
    {"max-rate", required_argument, 'r', "RATE", "bytes of table a second, of each side (init's)"},
    {"jobs", required_argument, 'j', "N", "workers, each with a connection to both sides (init's)"},
    {"range-rows", required_argument, 0, "N", "rows that one statement compares (by size, about 32 MB)"},
    {"again", no_argument, 0, NULL, "begin anew, where an earlier one did not come to its end"},
    {"last", no_argument, 0, NULL, "compare nothing: show the last report"},
    {"json", no_argument, 0, NULL, "as JSON; its keys are a contract"},
    {NULL, 0, 0, NULL, NULL},
};

struct verifying {
    struct context *c;
    struct interrupt *interrupt;
    struct progress progress;
};

/* ---- on the way ---- */

static void progress(void *arg, const struct verify_progress *p)
{
    struct verifying *v = arg;
    progress_show_verify(&v->progress, p);
}

/* What is owed comes with the next batch. An engine that cannot do it now (paused, waiting, a long backlog) is no error:
 * what does not settle is told in the report. */
static enum verify_settled settle(void *arg)
{
    const struct verifying *v = arg;
    struct err why;
    bool running;
    const struct control_request r = {
        .command = "kick", .wait = true, .timeout_ms = SETTLE_MS, .interrupt = v->interrupt};
    if (control_ask(v->c->dir, &r, &running, NULL, &why))
        return running ? VERIFY_BROUGHT : VERIFY_NO_ENGINE;
    log_info("%s", why.text);
    return VERIFY_NOT_BROUGHT;
}

/* ---- options ---- */

static bool take_sample(const struct args *a, double *out, struct err *e)
{
    const char *text = args_text(a, "sample");
    char *end;
    *out = 1;
    if (text == NULL)
        return true;
    double percent = strtod(text, &end);
    end += *end == '%';
    if (end == text || *end != '\0' || !(percent > 0) || percent > 100) {
        err_set(e, ERR_USAGE, "--sample cannot be \"%s\": a part above 0%% and up to 100%%", text);
        return err_hint(e, "repl verify --sample 5%%");
    }
    *out = percent / 100;
    return true;
}

static bool take_options(struct context *c, struct verify_options *o, struct err *e)
{
    long long jobs, rows;
    if (!args_int(&c->args, "jobs", 1, JOBS_MOST, c->sync.jobs, &jobs, e) ||
        !args_int(&c->args, "range-rows", 1, 100000000, 0, &rows, e) ||
        !take_sample(&c->args, &o->sample, e) || !args_rate(&c->args, "max-rate", &o->max_rate, e))
        return false;
    o->jobs = (int)jobs;
    if (!args_has(&c->args, "max-rate"))
        o->max_rate = c->sync.max_rate;
    o->range_rows = rows;
    o->repair = args_has(&c->args, "repair");
    o->show_values = args_has(&c->args, "show-values");
    o->again = args_has(&c->args, "again");
    return true;
}

/* ---- the report ---- */

static bool report(struct context *c, int64_t run, struct err *e)
{
    struct verify_report r;
    bool found;
    if (!state_verify_load(c->state, run, &r, &found, e))
        return false;
    if (!found) {
        err_set(e, ERR_CONFIG, "nothing was compared yet");
        return err_hint(e, "run: repl verify");
    }
    if (c->out->is_text)
        verify_report_visible(&r);
    c->out->verify(&r, c->verbose);
    c->printed = true;
    c->exit_code = strcmp(r.result, "equal") == 0 ? 0 : 3;
    verify_report_free(&r);
    return true;
}

static bool compare(struct context *c, struct err *e)
{
    struct strlist tables = {0};
    struct verifying v = {.c = c, .interrupt = catch_signals()};
    struct verify_options o = {.sync = &c->sync,
                               .state = c->state,
                               .tables = &tables,
                               .interrupt = v.interrupt,
                               .settle = settle,
                               .progress = progress,
                               .arg = &v};
    c->sync.interrupt = v.interrupt;
    int64_t run;
    args_list(&c->args, "tables", &tables);
    progress_begin_beside(&v.progress, c->out->shows_sides && !c->verbose);
    bool ok = take_options(c, &o, e) && verify_run(&o, &run, e);
    progress_clear(&v.progress);
    progress_end(&v.progress);
    strlist_free(&tables);
    return ok && report(c, run, e);
}

static bool exec(struct context *c, struct err *e)
{
    if (!context_open(c, e))
        return false;
    return args_has(&c->args, "last") ? report(c, 0, e) : compare(c, e);
}

const struct cmd cmd_verify = {
    .name = "verify",
    .args = "",
    .text = "Compare all rows and sequences of both sides, under live traffic",
    .detail =
        "A row that moves is looked at again when its change has arrived, so it is no false alarm. Beside a\n"
        "running engine or without one; one that was interrupted goes on where it was. Names keys and "
        "columns\n"
        "that differ, and counts what was not compared. Exit code 0: equal, 3: differences, or not "
        "everything\n"
        "could be compared.",
    .options = options,
    .exec = exec};
