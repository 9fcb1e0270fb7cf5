/* The command of the night: what it will do is shown, asked for, done, and measured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "cutover_run.h"
#include "repl/clock.h"
#include "repl/mem.h"
#include "signals.h"

enum { TIMEOUT_MS = 30000, MENDS_ITSELF_MS = 10000 };

static const struct option_spec options[] = {
    {"yes", no_argument, 'y', NULL, "do not ask"},
    {"dry-run", no_argument, 0, NULL, "rehearse everything but the fence, and predict the pause"},
    {"fallback", no_argument, 0, NULL, "what is written at the target from then on comes back to the source"},
    {"back", no_argument, 0, NULL, "after --fallback: switch back to the source"},
    {"abort", no_argument, 0, NULL, "let the source take writes again"},
    {"resume", no_argument, 0, NULL, "a switch that did not end: run --exec CMD again, or take it as made"},
    {"timeout", required_argument, 0, "S",
     "lift the fence when writes have been paused so long, end CMD then (30)"},
    {"terminate", no_argument, 0, NULL, "end sessions that write for longer than a second after the fence"},
    {"exec", required_argument, 0, "CMD", "switch the application by this command, with $REPL_TARGET_URL"},
    {"exec-failure", required_argument, 0, "WHAT",
     "when CMD fails: hold the fence, and ask (hold); or lift it (lift)"},
    {"unverified", no_argument, 0, NULL, "go ahead though rows differ, by the last `repl verify`"},
    {"skip-large-objects", no_argument, 0, NULL, "do not copy large objects"},
    {NULL, 0, 0, NULL, NULL},
};

/* ---- what the steps need of the engine ---- */

static bool no_engine(struct context *c, struct err *e)
{
    err_set(e, ERR_NOT_YET, "no engine is running for %s", c->dir);
    return err_hint(e, "repl start --detach; repl status --wait following; then repl cutover again");
}

static bool kick(void *arg, unsigned timeout_ms, const struct interrupt *i, struct err *e)
{
    struct cutover_run *r = arg;
    bool running;
    const struct control_request request = {
        .command = "kick", .wait = true, .timeout_ms = timeout_ms != 0 ? timeout_ms : 1, .interrupt = i};
    return control_ask(r->c->dir, &request, &running, NULL, e) && (running || no_engine(r->c, e));
}

/* The engine only shows it: where it cannot be told it finds out at its next opening. */
static void tell(void *arg, enum cutover_state state)
{
    struct cutover_run *r = arg;
    struct err ignored;
    bool running;
    const bool up = state != CUTOVER_ABORTED && state != CUTOVER_NONE;
    const struct control_request request = {
        .command = up ? "fence" : "lift", .state = cutover_state_name(state), .timeout_ms = ANSWER_MS};
    if (!control_ask(r->c->dir, &request, &running, NULL, &ignored))
        fprintf(stderr, "repl: the engine could not be told: %s\n", ignored.text);
}

static void say(void *arg, const char *text)
{
    (void)arg;
    put_line(stdout, "  %s", text);
    fflush(stdout);
}

/* ---- may it begin ---- */

static bool ask_engine(struct cutover_run *r, struct status *st, struct err *e)
{
    bool running;
    const struct control_request request = {.command = "status", .timeout_ms = ANSWER_MS};
    return control_ask(r->c->dir, &request, &running, st, e) && (running || no_engine(r->c, e));
}

/* The engine tries again what may pass by itself, such as a lost connection, and says that it follows meanwhile: it does so
 * at once, and has a while to succeed. Whether it did its next answer tells. */
static bool await_mending(struct cutover_run *r, struct status *st, struct err *e)
{
    struct err ignored;
    const struct status_error *open = cutover_open_error(st);
    if (open == NULL || (status_phase(st) != PHASE_FOLLOWING && status_phase(st) != PHASE_FENCED) ||
        !cutover_all_follow(st, &ignored))
        return true;
    put_line(stdout, "an error is not over yet, waiting for it up to %d s: %s", MENDS_ITSELF_MS / 1000,
             open->message);
    fflush(stdout);
    if (!kick(r, MENDS_ITSELF_MS, r->interrupt, e) && e->kind == ERR_STOPPED)
        return false;
    status_free(st);
    return ask_engine(r, st, e);
}

static bool ready(struct cutover_run *r, struct err *e)
{
    struct status st = {0};
    bool ok = ask_engine(r, &st, e) && await_mending(r, &st, e) && cutover_judge(r, &st, e);
    status_free(&st);
    return ok;
}

bool cutover_confirm(const char *question, const char *nothing, struct err *e)
{
    char answer[16];
    if (!isatty(STDIN_FILENO)) {
        err_set(e, ERR_USAGE, "%s: it asks first, and this is no terminal", nothing);
        return err_hint(e, "add --yes");
    }
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return err_set(e, ERR_CONFIG, "%s", nothing);
}

/* ---- the ways ---- */

/* Both sides have agreed on the turn. The rest can be done again by the same command. */
static bool after_the_turn(struct cutover_run *r, const struct cutover_times *t, struct err *e)
{
    const char *command = args_text(&r->c->args, "exec");
    const bool back = !r->c->sync.back;
    enum engine_way way;
    if (!cutover_tell_engine(r, back, &way, e))
        return false;
    if (t != NULL)
        cutover_report(r, t);
    bool switched = command != NULL && cutover_run_command(r, command, e);
    if (command != NULL)
        cutover_report_command(r, t);
    cutover_tell_switch(r, switched);
    if (command == NULL || switched) {
        if (way == ENGINE_NONE)
            puts("no engine is running; so that changes come over: repl start --detach");
        else if (cutover_await_engine(r, back))
            printf("  the engine follows the other way: what is written at the %s comes to the %s\n",
                   side_name(SIDE_TARGET), side_name(SIDE_SOURCE));
        else
            puts("  the engine does not follow the other way yet; nothing is lost: repl status");
        cutover_tell_after(r);
        return true;
    }
    err_hint(e, "the %s takes writes: switch the application by hand, or go back: repl cutover %s",
             side_name(SIDE_TARGET), r->c->sync.back ? "--fallback" : "--back");
    return false;
}

/* The state file has a copy, for when the source cannot be asked. */
static bool complete(struct cutover_run *r, struct cutover *cut, bool switched, struct err *e)
{
    char at[32];
    if (!cutover_complete(cut, e) ||
        !state_set(r->c->state, "cutover_at", clock_iso(at, sizeof at, clock_wall()), e))
        return false;
    cutover_tell_switch(r, switched);
    cutover_tell_after(r);
    return cutover_finish(cut, e);
}

/* Nobody can know whether the command switched the application before it failed. So the fence stays, unless the operator
 * has said otherwise. */
static bool command_failed(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    const char *what = args_text(&r->c->args, "exec-failure");
    struct err lifting;
    if (what == NULL || strcmp(what, "hold") == 0) {
        printf("WRITES TO THE %s STAY OFF: the command may have switched the application\n",
               r->c->sync.back ? "TARGET" : "SOURCE");
        fflush(stdout);
        return err_hint(e, CUTOVER_ASK);
    }
    if (!cutover_give_up(cut, e->text, &lifting)) {
        struct err first = *e;
        *e = lifting;
        return err_context(e, "%.300s", first.text);
    }
    puts("  the fence is lifted: the source takes writes as before");
    return err_hint(e, "fix the command, then repl cutover again");
}

/* The fence is permanent, and everything is on the target. */
static bool after_the_switch(struct cutover_run *r, struct cutover *cut, bool resumed, struct err *e)
{
    const char *command = args_text(&r->c->args, "exec");
    if (!resumed)
        cutover_report(r, cutover_times(cut));
    if (command == NULL)
        return complete(r, cut, resumed, e);
    if (!resumed && interrupt_level(r->interrupt) != INTERRUPT_NONE) {
        struct err lifting;
        err_set(e, ERR_STOPPED, "interrupted before the command of --exec began");
        if (cutover_give_up(cut, e->text, &lifting))
            return false;
        *e = lifting;
        return false;
    }
    printf("running: %s\n", command);
    fflush(stdout);
    bool ok = cutover_run_command(r, command, e);
    cutover_report_command(r, resumed ? NULL : cutover_times(cut));
    return ok ? complete(r, cut, true, e) : command_failed(r, cut, e);
}

/* Before anything is installed, so that a kill leaves what the state file knows of. */
static bool prepare_turn(struct cutover_run *r, struct cutover *cut, bool dry, struct err *e)
{
    return !cutover_turns(r) || ((dry || r->c->sync.back || ways_remember(r->c->state, "forward", e)) &&
                                 cutover_prepare_turn(cut, dry, e));
}

static bool cut_over(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    bool dry = args_has(&r->c->args, "dry-run");
    if (!ready(r, e) || !prepare_turn(r, cut, dry, e) || !cutover_prepare(cut, e))
        return false;
    if (dry) {
        if (!cutover_rehearse(cut, e))
            return false;
        cutover_predict(r, cutover_times(cut));
        *e = r->differ;
        return e->kind == ERR_NONE;
    }
    return (args_has(&r->c->args, "yes") ||
            cutover_confirm(r->c->sync.back ? "Switch writes to the target off now?"
                                            : "Switch writes to the source off now?",
                            "nothing was changed", e)) &&
           cutover_switch(cut, e) &&
           (cutover_turns(r) ? after_the_turn(r, cutover_times(cut), e) && cutover_finish(cut, e)
                             : after_the_switch(r, cut, false, e));
}

/* The command that was killed behind the turn is given again: sync is in the direction of the switch. */
static bool turned_already(struct cutover_run *r, const struct cutover_options *o, struct err *e)
{
    struct cutover *cut = NULL;
    sync_turn(&r->c->sync); /* as the switch saw it */
    side_names_turn(r->c->sync.back);
    printf("the switch has been made already: the %s takes writes\n", side_name(SIDE_TARGET));
    bool ok = cutover_open(&r->c->sync, o, &cut, e) && cutover_is_free(cutover_state(cut), e) &&
              (cutover_state(cut)->state != CUTOVER_SWITCHING || cutover_resume(cut, e)) &&
              after_the_turn(r, NULL, e) && cutover_finish(cut, e);
    cutover_close(cut);
    return ok;
}

static bool begin_or_go_on(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    enum cutover_decision what;
    if (!cutover_decide(r, cut, &what, e))
        return false;
    if (what == CUTOVER_IS_THROUGH)
        return true;
    if (what == CUTOVER_BEGINS)
        return cutover_settle_other(cut, e) && cut_over(r, cut, e);
    if (args_has(&r->c->args, "dry-run")) {
        err_set(e, ERR_NOT_YET, "there is nothing to rehearse");
        return err_hint(e, CUTOVER_ASK);
    }
    return cutover_resume(cut, e) && (cutover_turns(r) ? after_the_turn(r, NULL, e) && cutover_finish(cut, e)
                                                       : after_the_switch(r, cut, true, e));
}

static bool switch_over(struct cutover_run *r, const struct cutover_options *o, struct err *e)
{
    bool back = args_has(&r->c->args, "back");
    if (!cutover_find_way(r, e) || !cutover_may_begin(r, e))
        return false;
    if (cutover_turns(r) && !r->ways.undecided && r->ways.prepared && r->ways.back != back)
        return turned_already(r, o, e);
    struct cutover *cut = NULL;
    bool ok =
        cutover_align_engine(r, e) && cutover_open(&r->c->sync, o, &cut, e) && begin_or_go_on(r, cut, e);
    cutover_close(cut);
    return ok;
}

static bool check_options(const struct args *a, unsigned *timeout_ms, struct err *e)
{
    if (!args_seconds(a, "timeout", timeout_ms, e))
        return false;
    if (*timeout_ms == 0)
        *timeout_ms = TIMEOUT_MS;
    if (args_has(a, "abort") && (args_has(a, "dry-run") || args_has(a, "exec")))
        return err_set(e, ERR_USAGE, "cutover: --abort goes with neither --dry-run nor --exec");
    if (args_has(a, "fallback") + args_has(a, "back") + args_has(a, "abort") > 1)
        return err_set(e, ERR_USAGE, "cutover: only one of --fallback, --back and --abort");
    if (args_has(a, "resume") && (args_has(a, "abort") || args_has(a, "dry-run")))
        return err_set(e, ERR_USAGE, "cutover: --resume goes with neither --abort nor --dry-run");
    const char *failure = args_text(a, "exec-failure");
    if (failure == NULL)
        return true;
    if (strcmp(failure, "hold") != 0 && strcmp(failure, "lift") != 0)
        return err_set(e, ERR_USAGE, "cutover: --exec-failure is hold or lift, not %s", failure);
    if (args_has(a, "exec"))
        return true;
    err_set(e, ERR_USAGE, "cutover: --exec-failure goes with --exec");
    return err_hint(e, "repl cutover --exec CMD --exec-failure=%s", failure);
}

static bool exec(struct context *c, struct err *e)
{
    struct cutover_run r = {.c = c};
    struct cutover_options o = {.source_only = args_has(&c->args, "abort"),
                                .terminate = args_has(&c->args, "terminate"),
                                .large_objects = !args_has(&c->args, "skip-large-objects"),
                                .kick = kick,
                                .told = tell,
                                .say = say,
                                .arg = &r};
    if (!check_options(&c->args, &o.timeout_ms, e) || !context_open(c, e))
        return false;
    o.turns = cutover_turns(&r);
    r.timeout_ms = o.timeout_ms;
    o.interrupt = r.interrupt = catch_signals(); /* none of them may leave the fence standing */
    return o.source_only ? cutover_undo(&r, &o, e) : switch_over(&r, &o, e);
}

const struct cmd cmd_cutover = {
    .name = "cutover",
    .args = "",
    .text = "Switch writes off at the source, bring the last change over, say what to switch",
    .detail =
        "With the engine following. Until it says that everything is on the target it can be ended by Ctrl-C "
        "and\n"
        "lifts the fence itself; after a crash `repl cutover --abort` lifts it, and `repl cutover` goes on.\n"
        "With --fallback the application can return to the source, with all that it wrote at the target.",
    .options = options,
    .exec = exec};
