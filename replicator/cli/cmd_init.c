#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/init.h"
#include "repl/mem.h"
#include "signals.h"

static const struct option_spec options[] = {
    {"source", required_argument, 0, "URL", "the database to move from"},
    {"target", required_argument, 0, "URL", "the database to move to"},
    {"schema", required_argument, 0, "NAME", "repl's own schema on both sides (repl)"},
    {"tables", required_argument, 0, "LIST", "only these tables, with * and ?; repeatable"},
    {"exclude", required_argument, 0, "LIST", "not these tables; repeatable"},
    {"jobs", required_argument, 'j', "N", "workers, each with a connection to both sides (4)"},
    {"max-rate", required_argument, 'r', "RATE", "bytes a second read from the source (unlimited)"},
    {"auto-add", no_argument, 0, NULL,
     "new tables of the source join by themselves, once the target has them"},
    {"copy-from", required_argument, 0, "URL",
     "copy the rows from a fork made after an earlier init; \"source\": not"},
    {"seeded", no_argument, 0, NULL, "the target was restored from such a fork: take its rows"},
    {"no-schema", no_argument, 0, NULL, "the target's tables are made by somebody else"},
    {"always-triggers", required_argument, 0, "HOW",
     "the source's ENABLE ALWAYS triggers on the target: ordinary, or keep"},
    {"overwrite", no_argument, 0, NULL, "empty tables that hold rows on the target"},
    {"lock-wait", required_argument, 0, "S",
     "give up when others have kept a table locked for that many seconds (no limit)"},
    {"allow-plaintext", no_argument, 0, NULL,
     "take sslmode=prefer and allow, by which a password may go in clear"},
    {"recreate", no_argument, 0, NULL, "drop what an earlier init made on the target, and begin again"},
    {"replace-url", no_argument, 0, NULL, "take --source and --target in the place of those of before"},
    {"change-target", no_argument, 0, NULL, "move the source to this target from now on, from the start"},
    {"yes", no_argument, 'y', NULL, "with --recreate: do not ask"},
    {NULL, 0, 0, NULL, NULL},
};

struct before {
    bool dir, state; /* were there before this init */
};

static struct before look(const char *dir)
{
    char *path = xasprintf("%s/state.db", dir);
    struct before b = {.dir = access(dir, F_OK) == 0, .state = access(path, F_OK) == 0};
    free(path);
    return b;
}

/* A URL that differs from the directory's own is another server, or the same one elsewhere: it takes a word to say which. */
static bool may_replace(const struct context *c, const char *option, const char *known, bool allowed,
                        const char *words, struct err *e)
{
    const char *given = args_text(&c->args, option);
    if (given == NULL || allowed || strcmp(given, known) == 0)
        return true;
    char *before = dsn_safe(known), *now = dsn_safe(given);
    err_set(e, ERR_USAGE, "--%s is not the one that %s has: %s there, %s here", option, c->dir, before, now);
    free(before);
    free(now);
    return err_hint(e, "%s; for another move: a directory of its own, repl -D DIR init", words);
}

static bool may_change_urls(const struct context *c, const struct sync *s, struct err *e)
{
    bool replace = args_has(&c->args, "replace-url"), change = args_has(&c->args, "change-target");
    return may_replace(c, "source", s->source, replace,
                       "for the same database under another address: --replace-url", e) &&
           may_replace(
               c, "target", s->target, replace || change,
               "for the same database under another address: --replace-url; to move to another one from the "
               "start: --change-target",
               e);
}

/* The settings of an earlier init under the options of this one. */
static bool fill_sync(struct context *c, struct sync *s, struct err *e)
{
    bool known = false;
    if (c->state != NULL && !sync_known(c->state, &known, e))
        return false;
    if (!known)
        sync_defaults(s, c->dir);
    else if (!sync_load(c->state, s, e) || !may_change_urls(c, s, e))
        return false;
    char *schema = xstrdup(s->schema);
    bool ok = sync_from_args(c, s, e) && sync_need_both(s, "init", e);
    if (ok && known && strcmp(schema, s->schema) != 0) {
        ok = err_set(e, ERR_USAGE, "%s holds the sync of schema %s already", c->dir, schema);
        err_hint(e, "give the sync of schema %s a state directory of its own: repl -D DIR init ...",
                 s->schema);
    }
    free(schema);
    s->change_target = args_has(&c->args, "change-target");
    s->recreate = args_has(&c->args, "recreate");
    s->interrupt = catch_signals();
    return ok;
}

static void say(void *arg, const char *text)
{
    (void)arg; /* the context */
    put_line(stdout, "%s", text);
    fflush(stdout);
}

static bool ask(void *arg, const char *question, struct err *e)
{
    const struct context *c = arg;
    return args_has(&c->args, "yes") || ask_yes(question, "nothing was dropped", e);
}

static void report(const struct context *c, const struct sync *s, const struct init_report *r)
{
    char bytes[32], *source = dsn_safe(s->source), *target = dsn_safe(s->target);
    put_line(stdout, "%s -> %s", source, target);
    if (r->adopted)
        printf("an installation was there already: it is continued\n");
    printf("%zu table%s captured (%zu now), %s to copy\n", r->tables, r->tables == 1 ? " is" : "s are",
           r->captured, r->copied ? "nothing" : str_bytes(bytes, sizeof bytes, (double)r->bytes));
    if (r->from_fork != 0) {
        char *fork = dsn_safe(sync_fork(s));
        printf("%zu copied from the fork %s\n", r->from_fork, fork);
        free(fork);
    }
    if (r->without_key != 0)
        printf("%zu without a key: copied whole whenever they change\n", r->without_key);
    bool dir = args_has(&c->args, "dir");
    if (r->seed_awaited)
        printf("now make a fork of the source and restore it into the target, with the schema %s\n",
               s->schema);
    printf("next: repl%s%s %s\n", dir ? " -D " : "", dir ? c->dir : "",
           r->seed_awaited ? "init --seeded" : "start");
    free(source);
    free(target);
}

/* An init that was refused leaves nothing: init_run saves the settings once its preflight has passed. */
static void take_back(struct context *c, const struct before *b)
{
    struct err ignored;
    bool known, unused = !b->state && c->state != NULL && sync_known(c->state, &known, &ignored) && !known;
    state_close(c->state);
    c->state = NULL;
    if (unused && state_remove(c->dir, &ignored) && b->dir)
        mkdir(c->dir, 0700);
}

static bool run(struct context *c, struct sync *s, struct err *e)
{
    struct init_report r;
    if (!init_run(s, c->state, say, ask, c, &r, e))
        return false;
    report(c, s, &r);
    return true;
}

/* Options first, then the state directory, so that a wrong command line leaves no trace. */
static bool prepare(struct context *c, const struct before *b, struct sync *s, struct err *e)
{
    enum state_fault fault = b->state ? state_examine(c->dir) : STATE_GOOD;
    if (fault == STATE_BROKEN || fault == STATE_NEWER) {
        char *aside = NULL;
        err_set(e, ERR_STATE, "the state file of %s cannot be read", c->dir);
        if (!context_rebuild(c, e) && (e->kind == ERR_CONFLICT || !state_put_aside(c->dir, &aside, e)))
            return false;
        if (aside != NULL)
            fprintf(stderr, "repl: the state file of %s cannot be read, and is kept as %s\n", c->dir, aside);
        free(aside);
    }
    if (!b->state)
        return fill_sync(c, s, e) && state_open(c->dir, true, &c->state, e);
    return context_refuse_running(c, "repl stop, then repl init again, then repl start", e) &&
           state_open(c->dir, true, &c->state, e) && fill_sync(c, s, e);
}

static bool exec(struct context *c, struct err *e)
{
    const struct before b = look(c->dir);
    struct sync s = {0};
    bool ok = prepare(c, &b, &s, e) && run(c, &s, e);
    if (!ok)
        take_back(c, &b);
    else
        state_close(c->state);
    c->state = NULL;
    sync_free(&s);
    return ok;
}

const struct cmd cmd_init = {
    .name = "init",
    .args = "",
    .text = "Prepare both sides: checks, schema, capture, plan; again for new tables",
    .detail =
        "A URL is postgres://..., env:NAME, file:PATH or command:CMD, read again at each connection. The "
        "first\n"
        "init needs --source and --target; later ones know them. It can be repeated at any time: it goes on\n"
        "where an earlier one ended, and adopts what is installed when the state directory was lost.",
    .options = options,
    .exec = exec};
