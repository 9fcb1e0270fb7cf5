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
    {"timeout", required_argument, 0, "S", "lift the fence when writes have been paused so long (30)"},
    {"terminate", no_argument, 0, NULL, "end sessions that write for longer than a second after the fence"},
    {"exec", required_argument, 0, "CMD", "switch the application by this command, with $REPL_TARGET_URL"},
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

static bool kick(void *arg, unsigned timeout_ms, struct err *e)
{
    struct cutover_run *r = arg;
    bool running;
    const struct control_request request = {.command = "kick",
                                            .wait = true,
                                            .timeout_ms = timeout_ms != 0 ? timeout_ms : 1,
                                            .interrupt = r->interrupt};
    return control_ask(r->c->dir, &request, &running, NULL, e) && (running || no_engine(r->c, e));
}

/* The engine only shows it: where it cannot be told it finds out at its next opening. */
static void fenced(void *arg, bool up)
{
    struct cutover_run *r = arg;
    struct err ignored;
    bool running;
    const struct control_request request = {.command = up ? "fence" : "lift", .timeout_ms = ANSWER_MS};
    if (!control_ask(r->c->dir, &request, &running, NULL, &ignored))
        fprintf(stderr, "repl: the engine could not be told: %s\n", ignored.text);
}

static void say(void *arg, const char *text)
{
    (void)arg;
    printf("  %s\n", text);
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
    if (open == NULL || (st->phase != PHASE_FOLLOWING && st->phase != PHASE_FENCED) ||
        !cutover_all_follow(st, &ignored))
        return true;
    printf("an error is not over yet, waiting for it up to %d s: %s\n", MENDS_ITSELF_MS / 1000,
           open->message);
    fflush(stdout);
    if (!kick(r, MENDS_ITSELF_MS, e) && e->kind == ERR_STOPPED)
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

static bool confirm(const char *question, const char *nothing, struct err *e)
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

/* The shell's own words go to the terminal; the URL with its password is in its environment alone. */
static bool exec_switch(struct context *c, const char *command, struct err *e)
{
    char *uri;
    if (!cutover_target_uri(c, true, &uri, e))
        return false;
    setenv("REPL_TARGET_URL", uri, 1);
    free(uri);
    int status = system(command);
    unsetenv("REPL_TARGET_URL");
    if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (status == -1)
        return err_set(e, ERR_OS, "the command of --exec could not be run");
    return err_set(e, ERR_CONFIG, "the command of --exec ended with %s %d",
                   WIFEXITED(status) ? "exit code" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static bool remember(struct context *c, struct cutover *cut, struct err *e)
{
    char at[32], counter[24];
    int64_t n;
    if (!cutover_target_counter(cut, &n, e))
        return false;
    snprintf(counter, sizeof counter, "%lld", (long long)n);
    return state_set(c->state, "cutover_at", clock_iso(at, sizeof at, clock_wall()), e) &&
           state_set(c->state, "cutover_counter", counter, e);
}

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
    bool switched = command != NULL && exec_switch(r->c, command, e);
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

/* The fence stands. Where the application cannot be switched it must come down again. */
static bool after_the_switch(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    const char *command = args_text(&r->c->args, "exec");
    struct err lifting;
    bool stood, switched = command != NULL && exec_switch(r->c, command, e);
    if (command != NULL && !switched) {
        if (!cutover_lift(cut, &stood, &lifting)) {
            err_hint(e, "%s", lifting.hint);
            return err_context(e, "the fence could not be lifted (%s)", lifting.text);
        }
        puts("  the fence is lifted: the source takes writes as before");
        return err_hint(e, "mend the command, then repl cutover again");
    }
    cutover_report(r, cutover_times(cut));
    cutover_tell_switch(r, switched);
    cutover_tell_after(r);
    return remember(r->c, cut, e) && cutover_finish(cut, e);
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
    return (args_has(&r->c->args, "yes") || confirm(r->c->sync.back ? "Switch writes to the target off now?"
                                                                    : "Switch writes to the source off now?",
                                                    "nothing was changed", e)) &&
           cutover_switch(cut, e) &&
           (cutover_turns(r) ? after_the_turn(r, cutover_times(cut), e) && cutover_finish(cut, e)
                             : after_the_switch(r, cut, e));
}

/* The command that was killed behind the turn is given again. */
static bool turned_already(struct cutover_run *r, struct err *e)
{
    const struct back_options o = {.say = say};
    struct conn *old;
    sync_turn(&r->c->sync); /* as the switch saw it */
    side_names_turn(r->c->sync.back);
    printf("the switch has been made already: the %s takes writes\n", side_name(SIDE_TARGET));
    if (!after_the_turn(r, NULL, e))
        return false;
    if (!r->c->sync.back)
        return true;
    bool ok = sync_connect(&r->c->sync, SIDE_TARGET, "cutover", &old, e);
    if (!ok)
        return false;
    ok = back_validate(old, r->c->sync.schema, &o, e);
    conn_close(old);
    return ok;
}

static bool switch_over(struct cutover_run *r, const struct cutover_options *o, struct err *e)
{
    bool back = args_has(&r->c->args, "back");
    if (!cutover_find_way(r, e) || !cutover_may_begin(r, e))
        return false;
    if (cutover_turns(r) && !r->ways.undecided && r->ways.prepared && r->ways.back != back)
        return turned_already(r, e);
    struct cutover *cut = NULL;
    bool ok = cutover_align_engine(r, e) && cutover_open(&r->c->sync, o, &cut, e) && cut_over(r, cut, e);
    cutover_close(cut);
    return ok;
}

/* What the application wrote on the target since would stay there, and the source does not have it. */
static bool may_go_back(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    char *at = NULL, *counter = NULL, *question = NULL;
    int64_t now = 0;
    bool ok = state_get(r->c->state, "cutover_at", &at, e) &&
              state_get(r->c->state, "cutover_counter", &counter, e);
    long long then = counter != NULL ? strtoll(counter, NULL, 10) : 0;
    if (ok && at != NULL) {
        if (cutover_target_counter(cut, &now, e))
            printf("a cutover was completed at %s; the target has begun %lld transactions since\n", at,
                   (long long)now - then);
        else
            printf("a cutover was completed at %s; the target cannot be asked what was written since\n", at);
        question = xasprintf("What the application wrote to the target since does not come back. Go on?");
        ok = args_has(&r->c->args, "yes") || confirm(question, "the fence stands as before", e);
    }
    free(question);
    free(at);
    free(counter);
    return ok;
}

/* Where a side cannot be asked, whether the target took writes is not known: the state file misses a turn only if the
 * command was killed at that very moment. */
static bool may_abort(struct cutover_run *r, struct err *e)
{
    if (!cutover_find_way(r, e)) {
        printf("not both sides can be asked which of them takes writes: %s\n", e->text);
        return args_has(&r->c->args, "yes") ||
               confirm("Lift the fence all the same?", "the fences stand as before", e);
    }
    if (!r->ways.back || r->ways.undecided)
        return true;
    return cutover_refuse(
        e, "the switch is complete: the application writes at the target",
        "repl cutover --back brings it back with all that was written. Where the target is lost: repl stop, "
        "then repl cleanup gives the source back without what has not come over");
}

static bool lift(struct cutover_run *r, struct cutover *cut, struct err *e)
{
    bool stood;
    if ((!r->ways.prepared && !may_go_back(r, cut, e)) || !cutover_lift(cut, &stood, e) ||
        !state_set(r->c->state, "cutover_at", NULL, e) || !state_set(r->c->state, "cutover_counter", NULL, e))
        return false;
    printf(stood ? "the fence is lifted: the %s takes writes again, and they are captured\n"
                 : "no fence stood: the %s takes writes\n",
           side_name(SIDE_SOURCE));
    fflush(stdout);
    if (!r->ways.prepared || r->ways.back)
        return true;
    return cutover_align_engine(r, e) && cutover_forget_turn(cut, e) && ways_remember(r->c->state, NULL, e);
}

static bool undo(struct cutover_run *r, const struct cutover_options *o, struct err *e)
{
    struct cutover *cut = NULL;
    bool ok = may_abort(r, e) && cutover_open(&r->c->sync, o, &cut, e) && lift(r, cut, e);
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
    return true;
}

static bool exec(struct context *c, struct err *e)
{
    struct cutover_run r = {.c = c};
    struct cutover_options o = {.lift_only = args_has(&c->args, "abort"),
                                .terminate = args_has(&c->args, "terminate"),
                                .large_objects = !args_has(&c->args, "skip-large-objects"),
                                .kick = kick,
                                .fenced = fenced,
                                .say = say,
                                .arg = &r};
    if (!check_options(&c->args, &o.timeout_ms, e) || !context_open(c, e))
        return false;
    o.turns = cutover_turns(&r);
    r.timeout_ms = o.timeout_ms;
    o.interrupt = r.interrupt = catch_signals(); /* none of them may leave the fence standing */
    return o.lift_only ? undo(&r, &o, e) : switch_over(&r, &o, e);
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
