#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "cmd.h"
#include "figures.h"
#include "progress.h"
#include "repl/clock.h"
#include "repl/engine.h"
#include "repl/mem.h"

/* How long servers are asked while no engine runs; how often a waiting or watching command looks. */
enum { OFFLINE_MS = 3000, LOOK_EVERY_MS = 200, WATCH_EVERY_MS = 1000 };

static const struct option_spec options[] = {
    {"json", no_argument, 0, NULL, "as JSON; its keys are a contract"},
    {"wait", required_argument, 0, "PHASE", "wait for copying, catching_up, following, paused, stopped, ..."},
    {"timeout", required_argument, 0, "S", "with --wait: give up after that many seconds, exit code 3"},
    {"watch", no_argument, 'w', NULL, "show it again every second"},
    {NULL, 0, 0, NULL, NULL},
};

static bool ask_engine(struct context *c, bool *running, struct status *st, struct err *e)
{
    const struct control_request r = {.command = "status", .timeout_ms = ANSWER_MS};
    return control_ask(c->dir, &r, running, st, e);
}

static bool ask_servers(struct context *c, struct status *st, struct err *e)
{
    return context_open(c, e) && status_offline(&c->sync, c->state, OFFLINE_MS, st, e);
}

/* From the engine where one runs, else from the state file and the servers. */
static bool ask(struct context *c, struct status *st, struct err *e)
{
    bool running;
    return ask_engine(c, &running, st, e) && (running || ask_servers(c, st, e));
}

/* Resolved once: a connection may be a command, and --watch shows many. */
static void name_sides(struct context *c)
{
    struct err ignored;
    if (!c->out->shows_sides || c->source_shown != NULL || !context_open(c, &ignored))
        return;
    c->source_shown = dsn_safe(c->sync.back ? c->sync.target : c->sync.source);
    c->target_shown = dsn_safe(c->sync.back ? c->sync.source : c->sync.target);
}

static void show(struct context *c, struct status *st, bool again)
{
    if (c->out->is_text)
        status_visible(st);
    name_sides(c);
    const struct status_view v = {.source = c->source_shown,
                                  .target = c->target_shown,
                                  .now = clock_wall(),
                                  .all_tables = c->verbose,
                                  .columns = terminal_columns(),
                                  .utf8 = terminal_columns() != 0 && terminal_utf8(),
                                  .color = terminal_color()};
    if (again)
        c->out->status_again(st, &v);
    else
        c->out->status(st, &v);
    fflush(stdout);
    c->printed = true;
}

/* ---- --wait ---- */

struct waiting {
    enum phase wanted;
    unsigned timeout_ms; /* 0: for ever */
    uint64_t deadline;
    bool seen; /* an engine was running at some time */
};

static bool not_in_time(const struct waiting *w, const struct status *st, struct err *e)
{
    char *reason = status_reason(st);
    err_set(e, ERR_NOT_YET, "the phase is %s%s, not %s, after %.1f s%s%s", phase_name(st->phase),
            st->state == STATE_DEGRADED ? ", degraded" : "", phase_name(w->wanted), w->timeout_ms / 1000.0,
            reason != NULL ? ": " : "", reason != NULL ? reason : "");
    free(reason);
    bool told = st->state != STATE_OK && st->nerrors != 0 && st->errors[0].hint != NULL;
    return err_hint(e, "%s", told ? st->errors[0].hint : "repl status --watch");
}

static bool has_failed(const struct status *st, struct err *e)
{
    err_set(e, ERR_CONFIG, "the engine has failed");
    return err_hint(e, "%s", st->next != NULL ? st->next : "repl log");
}

static bool not_running(const struct waiting *w, const struct status *st, struct err *e)
{
    err_set(e, ERR_CONFIG, "no engine is running, so the phase stays %s and will not be %s",
            phase_name(st->phase), phase_name(w->wanted));
    return err_hint(e, "repl start --detach");
}

/* What follows, follows with all its tables, and is known to. */
static bool is_reached(const struct waiting *w, const struct status *st)
{
    return st->phase == w->wanted && (w->wanted != PHASE_FOLLOWING || st->state == STATE_OK);
}

/* One look at a running engine. *done: no more to wait for, and the result says how it ended. */
static bool judge(const struct waiting *w, const struct status *st, bool *done, struct err *e)
{
    *done = true;
    if (is_reached(w, st))
        return true;
    if (st->phase == PHASE_FAILED)
        return has_failed(st, e);
    if (clock_ms() >= w->deadline)
        return not_in_time(w, st, e);
    *done = false;
    return true;
}

/* No engine. With a timeout it may still be started; one that was seen and has gone is not waited for. */
static bool judge_offline(struct context *c, const struct waiting *w, struct status *st, bool *done,
                          struct err *e)
{
    bool may_come = w->timeout_ms != 0 && !w->seen && clock_ms() < w->deadline;
    if (may_come && w->wanted != PHASE_STOPPED && w->wanted != PHASE_FAILED)
        return context_open(c, e);
    if (!ask_servers(c, st, e))
        return false;
    *done = true;
    return st->phase == w->wanted || not_running(w, st, e);
}

static bool wait_for(struct context *c, struct waiting *w, struct err *e)
{
    w->deadline = w->timeout_ms != 0 ? clock_ms() + w->timeout_ms : UINT64_MAX;
    struct progress p;
    progress_begin_beside(&p, true);
    for (;;) {
        struct status st = {0};
        bool running, done = false;
        if (!ask_engine(c, &running, &st, e)) {
            progress_end(&p);
            return false;
        }
        w->seen = w->seen || running;
        bool ok = running ? judge(w, &st, &done, e) : judge_offline(c, w, &st, &done, e);
        if (running && !done && ok && c->out->shows_sides)
            progress_show(&p, &st);
        else
            progress_clear(&p);
        if (done)
            show(c, &st, false);
        status_free(&st);
        if (!ok || done) {
            progress_end(&p);
            return ok;
        }
        clock_sleep_ms(LOOK_EVERY_MS);
    }
}

static bool parse_phase(const char *name, enum phase *out, struct err *e)
{
    if (phase_parse(name, out))
        return true;
    const char *names[PHASE_FAILED + 1];
    struct buf all = {0};
    for (int p = PHASE_COPYING; p <= PHASE_FAILED; p++) {
        names[p] = phase_name((enum phase)p);
        buf_printf(&all, "%s%s", p != 0 ? " " : "", names[p]);
    }
    const char *near = nearest_word(name, names, PHASE_FAILED + 1);
    err_set(e, ERR_USAGE, "status: there is no phase %s", shown_word(name));
    if (near != NULL)
        err_hint(e, "did you mean %s? The phases: %s", near, all.data);
    err_hint(e, "the phases: %s", all.data);
    buf_free(&all);
    return false;
}

/* ---- --watch ---- */

static bool watch(struct context *c, struct err *e)
{
    for (;;) {
        struct status st = {0};
        if (!ask(c, &st, e))
            return false;
        show(c, &st, true);
        status_free(&st);
        if (ferror(stdout))
            return err_set(e, ERR_OS, "standard output cannot be written");
        clock_sleep_ms(WATCH_EVERY_MS);
    }
}

static bool exec(struct context *c, struct err *e)
{
    const char *wanted = args_text(&c->args, "wait");
    struct waiting w = {0};
    if (!args_seconds(&c->args, "timeout", &w.timeout_ms, e))
        return false;
    if (wanted != NULL)
        return parse_phase(wanted, &w.wanted, e) && wait_for(c, &w, e);
    if (args_has(&c->args, "watch"))
        return watch(c, e);
    struct status st = {0};
    if (!ask(c, &st, e))
        return false;
    show(c, &st, false);
    status_free(&st);
    return true;
}

const struct cmd cmd_status = {
    .name = "status",
    .args = "",
    .text = "Show phase, lag, progress, errors, and what to type next",
    .detail = "Answers while no engine runs, too. Exit code 0 whatever the phase is; with --wait 3 when it "
              "was not\n"
              "reached in time, 1 when it cannot be reached because the engine failed or is not running.",
    .options = options,
    .exec = exec};
