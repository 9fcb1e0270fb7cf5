#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/cleanup.h"
#include "repl/control.h"
#include "repl/schema.h"

static const struct option_spec options[] = {
    {"yes", no_argument, 'y', NULL, "do not ask"},
    {"dry-run", no_argument, 0, NULL, "only list what would be removed"},
    {"emergency", no_argument, 0, NULL, "at once: free the application first, do not ask, end the engine"},
    {"reopen-source", no_argument, 0, NULL,
     "behind a cutover: let the source take writes, which nobody captures"},
    {"keep-source-read-only", no_argument, 0, NULL,
     "behind a cutover: sessions of the source begin read-only"},
    {"source", required_argument, 0, "URL", "where the state directory was lost: the source"},
    {"target", required_argument, 0, "URL", "where the state directory was lost: the target"},
    {"schema", required_argument, 0, "NAME", "where the state directory was lost: repl's schema (repl)"},
    {"lock-wait", required_argument, 0, "S",
     "give up when others have kept a table locked for that many seconds (no limit)"},
    {NULL, 0, 0, NULL, NULL},
};

/* The state's settings where there are any, with the options over them. *empty: an init ended before it had any, and so
 * before it changed anything on a server. */
static bool fill_sync(struct context *c, struct sync *s, bool *empty, struct err *e)
{
    bool given = args_has(&c->args, "source") || args_has(&c->args, "target") ||
                 getenv("REPL_SOURCE") != NULL || getenv("REPL_TARGET") != NULL;
    bool known = false;
    *empty = false;
    if (!state_dir_trusted(c->dir, e))
        return false;
    bool there = state_open(c->dir, false, &c->state, e);
    if (there && !sync_known(c->state, &known, e))
        return false;
    if (known && !sync_load(c->state, s, e))
        return false;
    state_close(c->state); /* its file is removed at the end */
    c->state = NULL;
    if (known || given) {
        if (!known)
            sync_defaults(s, c->dir);
        return sync_from_args(c, s, e);
    }
    *empty = there;
    if (there)
        return true;
    err_clear(e);
    err_set(e, ERR_STATE, "there is no state in %s that says where to clean up", c->dir);
    return err_hint(e, "repl cleanup --source URL --target URL, or give the state directory with -D");
}

/* What a killed init left here. */
static bool clean_here(const struct context *c, struct err *e)
{
    printf("no init in %s has changed anything on a server; here: repl's files in %s\n", c->dir, c->dir);
    if (args_has(&c->args, "dry-run"))
        return true;
    dump_remove(c->dir);
    return state_remove(c->dir, e);
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
    put_line(stdout, "%s", text);
    fflush(stdout);
}

static enum cleanup_source decided(const struct context *c)
{
    return args_has(&c->args, "reopen-source")           ? CLEANUP_SOURCE_REOPENED
           : args_has(&c->args, "keep-source-read-only") ? CLEANUP_SOURCE_READ_ONLY
                                                         : CLEANUP_SOURCE_UNDECIDED;
}

static void print(struct strlist *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        put_line(stdout, "%s", lines->items[i]);
    fflush(stdout);
    strlist_free(lines);
}

static bool list(const struct sync *s, size_t *count, bool *closed, struct err *e)
{
    struct arena *a = arena_new();
    struct strlist lines = {0}, about = {0};
    *closed = false;
    bool ok = cleanup_list(s, a, &lines, e) && cleanup_closed(s, a, &about, closed, e);
    *count = lines.count;
    print(&lines);
    print(&about);
    arena_free(a);
    return ok;
}

/* --yes is not enough: it is the habit of scripts, and what is lost here is lost silently. */
static bool decide(struct context *c, enum cleanup_source *out, struct err *e)
{
    char answer[32];
    if (args_has(&c->args, "yes") || !isatty(STDIN_FILENO)) {
        err_set(e, ERR_USAGE,
                "nothing was removed: what is to become of the source has to be said, --yes does not");
        return err_hint(e,
                        "repl cleanup --reopen-source (it takes writes that nobody captures) or repl cleanup "
                        "--keep-source-read-only (new sessions begin read-only)");
    }
    fputs("Let the source take writes again (reopen), or have its sessions begin read-only (keep)? "
          "[reopen/keep/N] ",
          stdout);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL) {
        if (strcmp(answer, "reopen\n") == 0)
            *out = CLEANUP_SOURCE_REOPENED;
        else if (strcmp(answer, "keep\n") == 0)
            *out = CLEANUP_SOURCE_READ_ONLY;
    }
    return *out != CLEANUP_SOURCE_UNDECIDED || err_set(e, ERR_CONFIG, "nothing was removed");
}

static bool clean(struct context *c, const struct sync *s, struct err *e)
{
    size_t n;
    bool closed;
    struct cleanup_how how = {.source = decided(c), .say = say};
    if (!list(s, &n, &closed, e))
        return false;
    if (n == 0)
        puts("nothing of repl is there");
    if (args_has(&c->args, "dry-run") || n == 0)
        return true;
    if (closed && how.source == CLEANUP_SOURCE_UNDECIDED && !decide(c, &how.source, e))
        return false;
    return (args_has(&c->args, "yes") || confirm(e)) && cleanup_run(s, &how, e);
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
        put_line(stdout, "the engine has not stopped yet (%s); its sessions are ended", why.text);
    else if (running)
        puts("the engine has stopped");
    fflush(stdout);
}

static bool clean_now(struct context *c, const struct sync *s, struct err *e)
{
    const struct cleanup_how how = {
        .source = decided(c), .emergency = true, .say = say, .application_is_free = stop_engine, .arg = c};
    return cleanup_run(s, &how, e);
}

static bool exec(struct context *c, struct err *e)
{
    struct sync s = {0};
    if (args_has(&c->args, "reopen-source") && args_has(&c->args, "keep-source-read-only"))
        return err_set(e, ERR_USAGE, "cleanup: only one of --reopen-source and --keep-source-read-only");
    bool now = args_has(&c->args, "emergency") && !args_has(&c->args, "dry-run");
    bool empty;
    bool ok = fill_sync(c, &s, &empty, e) &&
              (empty ? clean_here(c, e)
               : now ? clean_now(c, &s, e)
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
