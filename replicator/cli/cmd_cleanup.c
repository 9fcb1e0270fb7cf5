#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/cleanup.h"
#include "repl/control.h"

static const struct option_spec options[] = {
    {"yes", no_argument, 'y', NULL, "do not ask"},
    {"dry-run", no_argument, 0, NULL, "only list what would be removed"},
    {"emergency", no_argument, 0, NULL, "at once: free the application first, do not ask, end the engine"},
    {"source", required_argument, 0, "URL", "where the state directory was lost: the source"},
    {"target", required_argument, 0, "URL", "where the state directory was lost: the target"},
    {"schema", required_argument, 0, "NAME", "where the state directory was lost: repl's schema (repl)"},
    {"lock-wait", required_argument, 0, "S",
     "give up when others have kept a table locked for that many seconds (no limit)"},
    {NULL, 0, 0, NULL, NULL},
};

/* The state's settings where there are any, with the options over them. */
static bool fill_sync(struct context *c, struct sync *s, struct err *e)
{
    bool given = args_has(&c->args, "source") || args_has(&c->args, "target");
    if (context_open(c, e)) {
        if (!sync_load(c->state, s, e))
            return false;
    } else if (given) {
        sync_defaults(s, c->dir);
    } else {
        err_clear(e);
        err_set(e, ERR_STATE, "there is no state in %s that says where to clean up", c->dir);
        return err_hint(e, "repl cleanup --source URL --target URL, or give the state directory with -D");
    }
    context_close(c); /* its file is removed at the end */
    return sync_from_args(c, s, e);
}

static bool confirm(struct err *e)
{
    char answer[16];
    if (!isatty(STDIN_FILENO)) {
        err_set(e, ERR_USAGE, "nothing was removed: cleanup asks first, and this is no terminal");
        return err_hint(e, "repl cleanup --yes");
    }
    fputs("Remove all of this? The copied tables stay. [y/N] ", stdout);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return err_set(e, ERR_CONFIG, "nothing was removed");
}

static void say(void *arg, const char *text)
{
    (void)arg;
    puts(text);
    fflush(stdout);
}

static bool list(const struct sync *s, size_t *count, struct err *e)
{
    struct arena *a = arena_new();
    struct strlist lines = {0};
    bool ok = cleanup_list(s, a, &lines, e);
    *count = lines.count;
    for (size_t i = 0; ok && i < lines.count; i++)
        puts(lines.items[i]);
    fflush(stdout);
    strlist_free(&lines);
    arena_free(a);
    return ok;
}

static bool clean(struct context *c, const struct sync *s, struct err *e)
{
    size_t n;
    if (!list(s, &n, e))
        return false;
    if (n == 0)
        puts("nothing of repl is there");
    if (args_has(&c->args, "dry-run") || n == 0)
        return true;
    return (args_has(&c->args, "yes") || confirm(e)) && cleanup_run(s, &(struct cleanup_how){.say = say}, e);
}

/* An engine that does not end is no reason to wait: its sessions are ended, and it finds no capture any more. */
static void stop_engine(void *arg)
{
    enum { STOP_MS = 3000 };
    const struct context *c = arg;
    struct control_request r = {.command = "stop", .timeout_ms = STOP_MS};
    struct err why;
    bool running = false;
    if (!control_ask(c->dir, &r, &running, NULL, &why))
        printf("the engine has not stopped yet (%s); its sessions are ended\n", why.text);
    else if (running)
        puts("the engine has stopped");
    fflush(stdout);
}

static bool clean_now(struct context *c, const struct sync *s, struct err *e)
{
    const struct cleanup_how how = {
        .emergency = true, .say = say, .application_is_free = stop_engine, .arg = c};
    return cleanup_run(s, &how, e);
}

static bool exec(struct context *c, struct err *e)
{
    struct sync s = {0};
    bool now = args_has(&c->args, "emergency") && !args_has(&c->args, "dry-run");
    bool ok = fill_sync(c, &s, e) &&
              (now ? clean_now(c, &s, e)
                   : context_refuse_running(c, "repl stop, then repl cleanup again", e) && clean(c, &s, e));
    sync_free(&s);
    return ok;
}

const struct cmd cmd_cleanup = {.name = "cleanup",
                                .args = "",
                                .text = "Remove every trace of repl from both sides; the copied tables stay",
                                .detail =
                                    "Lists what it will remove and asks. It can be run again, and "
                                    "works without the state directory when\n"
                                    "--source and --target are given. With --emergency capture does nothing "
                                    "within the first second, whatever is\n"
                                    "locked, and triggers go as soon as each table lets them.",
                                .options = options,
                                .exec = exec};
