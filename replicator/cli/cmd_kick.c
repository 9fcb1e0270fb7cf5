#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "figures.h"
#include "repl/clock.h"
#include "run_engine.h"

/* After the timeout the batch under way may end in peace for so long. */
enum { INSIST_S = 2 };

static const struct option_spec options[] = {
    {"wait", no_argument, 0, NULL, "return when all that was committed before is on the target"},
    {"timeout", required_argument, 0, "S", "give up after that many seconds, exit code 3"},
    {NULL, 0, 0, NULL, NULL},
};

static volatile sig_atomic_t timed_out;

/* The engine ends cleanly on SIGTERM and insists on a second: a timeout is sent by the clock. Not before the engine
 * listens for the signal, nor when it has ceased to. */
static void on_alarm(int signal_number)
{
    struct sigaction now;
    (void)signal_number;
    timed_out = 1;
    if (sigaction(SIGTERM, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
        kill(getpid(), SIGTERM);
}

/* The first after ms, then again and again; 0 disarms. */
static void set_alarm(unsigned ms)
{
    struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval when = {
        .it_value = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000},
        .it_interval = {.tv_sec = ms != 0 ? INSIST_S : 0},
    };
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &when, NULL);
}

/* No engine runs: one sync in this process. */
static bool sync_once(struct context *c, unsigned timeout_ms, struct err *e)
{
    if (timeout_ms != 0)
        set_alarm(timeout_ms);
    char *reason = NULL;
    bool ok = run_engine(c, true, NULL, -1, &reason, e);
    set_alarm(0);
    if (timed_out) {
        err_set(e, ERR_NOT_YET, "not everything was on the target within %.1f s%s%s", timeout_ms / 1000.0,
                reason != NULL ? ": " : "", reason != NULL ? reason : "");
        ok = err_hint(e, "repl kick --wait again goes on where this one ended");
    }
    free(reason);
    return ok;
}

/* The changes of a paused table stay where they are: whoever waits for all of them must hear of it. */
static bool nothing_paused(struct context *c, struct err *e)
{
    char *paused = NULL;
    if (!context_open(c, e) || !state_get(c->state, "paused_tables", &paused, e))
        return false;
    bool some = paused != NULL;
    free(paused);
    if (!some)
        return true;
    err_set(e, ERR_NOT_YET, "everything committed before is on the target, but for tables that are paused");
    return err_hint(e, "repl status lists them; repl resume TABLE, then repl kick --wait");
}

/* Whoever waits without a bound hears what for. */
static void tell_wait(void *arg)
{
    const struct context *c = arg;
    const struct control_request r = {.command = "status", .timeout_ms = ANSWER_MS};
    struct status st;
    struct err ignored;
    bool running;
    char at[32];
    if (!control_ask(c->dir, &r, &running, &st, &ignored) || !running)
        return;
    char *reason = status_reason(&st);
    struct buf b = {0};
    if (reason == NULL)
        progress_line(&b, &st);
    fprintf(stderr, "%s waits: %s\n", clock_iso(at, sizeof at, clock_wall()),
            reason != NULL ? reason : buf_text(&b));
    buf_free(&b);
    free(reason);
    status_free(&st);
}

static bool exec(struct context *c, struct err *e)
{
    struct control_request r = {.command = "kick", .wait = args_has(&c->args, "wait")};
    unsigned timeout_ms;
    bool running;
    if (!args_seconds(&c->args, "timeout", &timeout_ms, e))
        return false;
    if (r.wait) {
        r.still = tell_wait;
        r.arg = c;
    }
    r.timeout_ms = timeout_ms != 0 ? timeout_ms : r.wait ? 0 : ANSWER_MS;
    if (!control_ask(c->dir, &r, &running, NULL, e) || (!running && !sync_once(c, timeout_ms, e)))
        return false;
    if ((!running || r.wait) && !nothing_paused(c, e))
        return false;
    puts(!running || r.wait ? "everything committed before is on the target"
                            : "the engine looks for changes now");
    return true;
}

const struct cmd cmd_kick = {.name = "kick",
                             .args = "",
                             .text = "Sync now; without an engine, one whole sync in this process",
                             .detail =
                                 "Useful in scripts: `repl kick --wait` after a write, then read the target.",
                             .options = options,
                             .exec = exec};
