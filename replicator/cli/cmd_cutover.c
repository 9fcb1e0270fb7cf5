/* The command of the night: what it will do is shown, asked for, done, and measured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "repl/clock.h"
#include "repl/cutover.h"
#include "repl/mem.h"
#include "signals.h"

enum { TIMEOUT_MS = 30000 };

static const struct option_spec options[] = {
    {"yes", no_argument, 'y', NULL, "do not ask"},
    {"dry-run", no_argument, 0, NULL, "rehearse everything but the fence, and predict the pause"},
    {"abort", no_argument, 0, NULL, "let the source take writes again"},
    {"timeout", required_argument, 0, "S", "lift the fence when writes have been paused so long (30)"},
    {"terminate", no_argument, 0, NULL, "end sessions that write for longer than a second after the fence"},
    {"exec", required_argument, 0, "CMD", "switch the application by this command, with $REPL_TARGET_URL"},
    {"skip-large-objects", no_argument, 0, NULL, "do not copy large objects"},
    {NULL, 0, 0, NULL, NULL},
};

struct run {
    struct context *c;
    struct interrupt *interrupt;
};

/* ---- what the steps need of the engine ---- */

static bool no_engine(struct context *c, struct err *e)
{
    err_set(e, ERR_NOT_YET, "no engine is running for %s", c->dir);
    return err_hint(e, "repl start --detach; repl status --wait following; then repl cutover again");
}

static bool kick(void *arg, unsigned timeout_ms, struct err *e)
{
    struct run *r = arg;
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
    struct run *r = arg;
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

static bool all_tables_follow(const struct status *st, struct err *e)
{
    for (size_t i = 0; i < st->ntables; i++) {
        const struct status_table *t = &st->tables[i];
        if (strcmp(t->phase, "following") == 0)
            continue;
        err_set(e, ERR_NOT_YET, "a table is %s%s%s", t->phase, t->error != NULL ? ": " : "",
                t->error != NULL ? t->error : "");
        err_table(e, t->schema, t->name);
        return err_hint(e, "repl status says what it waits for; a paused table: repl resume TABLE");
    }
    return true;
}

static bool judge(struct context *c, const struct status *st, struct err *e)
{
    if (st->phase != PHASE_FOLLOWING && st->phase != PHASE_FENCED) {
        err_set(e, ERR_NOT_YET, "the phase is %s, not following", phase_name(st->phase));
        return err_hint(e, "%s", st->next != NULL ? st->next : "repl status");
    }
    if (st->nerrors != 0) {
        err_set(e, ERR_NOT_YET, "there are errors that are not over: %s", st->errors[0].message);
        return err_hint(e, "%s", st->errors[0].hint != NULL ? st->errors[0].hint : "repl status");
    }
    if (!all_tables_follow(st, e))
        return false;
    printf("%zu table%s follow%s, %.1f s behind\n", st->ntables, st->ntables == 1 ? "" : "s",
           st->ntables == 1 ? "s" : "", st->lag_seconds > 0 ? st->lag_seconds : 0);
    if (st->phase == PHASE_FENCED)
        printf("a fence stands already, of a cutover that did not end: this one goes on from there\n");
    (void)c;
    return true;
}

static bool ready(struct context *c, struct err *e)
{
    struct status st = {0};
    bool running;
    const struct control_request request = {.command = "status", .timeout_ms = ANSWER_MS};
    if (!control_ask(c->dir, &request, &running, &st, e))
        return false;
    bool ok = running ? judge(c, &st, e) : no_engine(c, e);
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

/* ---- afterwards ---- */

static bool target_uri(const struct context *c, bool with_password, char **out, struct err *e)
{
    char *resolved;
    if (!dsn_resolve(c->sync.target, &resolved, e))
        return false;
    bool ok = dsn_uri(resolved, with_password, out, e);
    free(resolved);
    return ok;
}

/* The shell's own words go to the terminal; the URL with its password is in its environment alone. */
static bool exec_switch(struct context *c, const char *command, struct err *e)
{
    char *uri;
    if (!target_uri(c, true, &uri, e))
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

static void report(const struct context *c, const struct cutover_times *t, bool switched)
{
    struct err ignored;
    char *uri;
    printf("writes to the source have been off for %.2f s: fence %.2f, writers in flight %.2f, drain %.2f, "
           "sequences "
           "%.2f, large objects %.2f, check %.2f\n",
           t->paused, t->fence, t->writers, t->drain, t->sequences, t->large_objects, t->check);
    printf("everything that was committed on the source is on the target\n");
    if (!switched && target_uri(c, false, &uri, &ignored)) {
        printf("now switch the application; put the password in:\n  heroku config:set DATABASE_URL='%s' "
               "--app APP\n",
               uri);
        free(uri);
    }
    printf("watch the application's errors (SQLSTATE 25006 comes from sessions that still use the source)\n"
           "all is well: repl stop, then repl cleanup\n"
           "back, while nothing was written to the target: repl cutover --abort\n");
    fflush(stdout);
}

static void predict(const struct cutover_times *t)
{
    printf("expected pause: about %.2f s (fence %.2f, writers in flight %.2f, drain %.2f, sequences %.2f, "
           "large objects "
           "%.2f, check %.2f)\nnothing was changed; next: repl cutover\n",
           t->paused, t->fence, t->writers, t->drain, t->sequences, t->large_objects, t->check);
}

/* ---- the three ways ---- */

/* The fence stands. Where the application cannot be switched it must come down again. */
static bool after_the_switch(struct run *r, struct cutover *cut, struct err *e)
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
    report(r->c, cutover_times(cut), switched);
    return remember(r->c, cut, e) && cutover_finish(cut, e);
}

static bool cut_over(struct run *r, struct cutover *cut, struct err *e)
{
    bool dry = args_has(&r->c->args, "dry-run");
    if (!ready(r->c, e) || !cutover_prepare(cut, e))
        return false;
    if (dry) {
        if (!cutover_rehearse(cut, e))
            return false;
        predict(cutover_times(cut));
        return true;
    }
    return (args_has(&r->c->args, "yes") ||
            confirm("Switch writes to the source off now?", "nothing was changed", e)) &&
           cutover_switch(cut, e) && after_the_switch(r, cut, e);
}

/* What the application wrote on the target since would stay there, and the source does not have it. */
static bool may_go_back(struct run *r, struct cutover *cut, struct err *e)
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

static bool go_back(struct run *r, struct cutover *cut, struct err *e)
{
    bool stood;
    if (!may_go_back(r, cut, e) || !cutover_lift(cut, &stood, e) ||
        !state_set(r->c->state, "cutover_at", NULL, e) || !state_set(r->c->state, "cutover_counter", NULL, e))
        return false;
    puts(stood ? "the fence is lifted: the source takes writes again, and they are captured"
               : "no fence stood: the source takes writes");
    return true;
}

static bool check_options(const struct args *a, unsigned *timeout_ms, struct err *e)
{
    if (!args_seconds(a, "timeout", timeout_ms, e))
        return false;
    if (*timeout_ms == 0)
        *timeout_ms = TIMEOUT_MS;
    if (args_has(a, "abort") && (args_has(a, "dry-run") || args_has(a, "exec")))
        return err_set(e, ERR_USAGE, "cutover: --abort goes with neither --dry-run nor --exec");
    return true;
}

static bool exec(struct context *c, struct err *e)
{
    struct run r = {.c = c};
    struct cutover_options o = {.lift_only = args_has(&c->args, "abort"),
                                .terminate = args_has(&c->args, "terminate"),
                                .large_objects = !args_has(&c->args, "skip-large-objects"),
                                .kick = kick,
                                .fenced = fenced,
                                .say = say,
                                .arg = &r};
    struct cutover *cut = NULL;
    if (!check_options(&c->args, &o.timeout_ms, e) || !context_open(c, e))
        return false;
    o.interrupt = r.interrupt = catch_signals(); /* none of them may leave the fence standing */
    bool ok = cutover_open(&c->sync, &o, &cut, e) &&
              (args_has(&c->args, "abort") ? go_back(&r, cut, e) : cut_over(&r, cut, e));
    cutover_close(cut);
    return ok;
}

const struct cmd cmd_cutover = {
    .name = "cutover",
    .args = "",
    .text = "Switch writes off at the source, bring the last change over, say what to switch",
    .detail =
        "With the engine following. Until it says that everything is on the target it can be ended by Ctrl-C "
        "and\n"
        "lifts the fence itself; after a crash `repl cutover --abort` lifts it, and `repl cutover` goes on.",
    .options = options,
    .exec = exec};
