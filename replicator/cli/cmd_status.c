#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "repl/clock.h"
#include "repl/engine.h"

/* How long servers are asked while no engine runs; how often a waiting or watching command looks. */
enum { OFFLINE_MS = 3000, LOOK_EVERY_MS = 100, WATCH_EVERY_MS = 1000 };

static const struct option_spec options[] = {
    {"json", no_argument, 0, NULL, "as JSON; its keys are a contract"},
    {"wait", required_argument, 0, "PHASE", "wait for copying, catching_up, following, paused, stopped, ..."},
    {"timeout", required_argument, 0, "S", "with --wait: give up after that many seconds, exit code 3"},
    {"watch", no_argument, 'w', NULL, "show it again every second"},
    {NULL, 0, 0, NULL, NULL},
};

/* From the engine where one runs, else from the state file and the servers. */
static bool ask(struct context *c, struct status *st, struct err *e)
{
    const struct control_request r = {.command = "status", .timeout_ms = ANSWER_MS};
    bool running;
    if (!control_ask(c->dir, &r, &running, st, e))
        return false;
    return running || (context_open(c, e) && status_offline(&c->sync, c->state, OFFLINE_MS, st, e));
}

static void show(struct context *c, const struct status *st, bool again)
{
    char *source = NULL, *target = NULL;
    struct err ignored;
    if (context_open(c, &ignored)) {
        source = dsn_safe(c->sync.source);
        target = dsn_safe(c->sync.target);
    }
    const struct status_view v = {
        .source = source, .target = target, .now = clock_wall(), .all_tables = c->verbose};
    if (again)
        c->out->status_again(st, &v);
    else
        c->out->status(st, &v);
    fflush(stdout);
    c->printed = true;
    free(source);
    free(target);
}

/* ---- --wait ---- */

/* true: go on waiting, or *reached. false: it cannot be reached any more. */
static bool look(const struct status *st, enum phase wanted, bool *reached, struct err *e)
{
    *reached = st->phase == wanted;
    if (*reached)
        return true;
    if (st->phase == PHASE_FAILED) {
        err_set(e, ERR_CONFIG, "the engine has failed");
        return err_hint(e, "%s", st->next != NULL ? st->next : "repl log");
    }
    if (!st->engine.running) {
        err_set(e, ERR_CONFIG, "no engine is running, so the phase stays %s", phase_name(st->phase));
        return err_hint(e, "repl start --detach");
    }
    return true;
}

static bool wait_for(struct context *c, enum phase wanted, unsigned timeout_ms, struct err *e)
{
    uint64_t deadline = timeout_ms != 0 ? clock_ms() + timeout_ms : UINT64_MAX;
    for (;;) {
        struct status st = {0};
        bool reached = false;
        if (!ask(c, &st, e))
            return false;
        bool ok = look(&st, wanted, &reached, e);
        bool late = ok && !reached && clock_ms() >= deadline;
        if (late) {
            ok = err_set(e, ERR_NOT_YET, "the phase is %s, not %s, after %.1f s", phase_name(st.phase),
                         phase_name(wanted), timeout_ms / 1000.0);
            err_hint(e, "repl status --watch");
        }
        if (!ok || reached)
            show(c, &st, false);
        status_free(&st);
        if (!ok || reached)
            return ok;
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
    err_set(e, ERR_USAGE, "status: there is no phase %s", name);
    if (near != NULL)
        err_hint(e, "did you mean %s? The phases: %s", near, all.data);
    err_hint(e, "the phases: %s", all.data);
    buf_free(&all);
    return false;
}

/* ---- --watch ---- */

static bool watch(struct context *c, struct err *e)
{
    bool screen = isatty(STDOUT_FILENO) && !args_has(&c->args, "json");
    for (;;) {
        struct status st = {0};
        if (!ask(c, &st, e))
            return false;
        if (screen)
            fputs("\033[H\033[J", stdout);
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
    enum phase phase;
    unsigned timeout_ms;
    if (!args_seconds(&c->args, "timeout", &timeout_ms, e))
        return false;
    if (wanted != NULL)
        return parse_phase(wanted, &phase, e) && wait_for(c, phase, timeout_ms, e);
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
