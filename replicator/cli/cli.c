/* The table of commands, and the way from argv to an exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "repl/engine.h"
#include "repl/log.h"

static const char default_dir[] = "./.repl";

const struct cmd *const commands[] = {&cmd_init,   &cmd_start, &cmd_status,  &cmd_kick,    &cmd_pause,
                                      &cmd_resume, &cmd_add,   &cmd_set,     &cmd_stop,    &cmd_check,
                                      &cmd_verify, &cmd_log,   &cmd_cutover, &cmd_cleanup, &cmd_version,
                                      &cmd_help,   NULL};

const struct option_spec global_options[] = {
    {"dir", required_argument, 'D', "DIR", "the state directory (else $REPL_DIR, else ./.repl)"},
    {"verbose", no_argument, 'v', NULL, "say more"},
    {"log-json", no_argument, 0, NULL, "log lines as JSON"},
    {"help", no_argument, 'h', NULL, "show help"},
    {"version", no_argument, 0, NULL, "show the version"},
    {NULL, 0, 0, NULL, NULL},
};

static const struct option_spec no_options[] = {{NULL, 0, 0, NULL, NULL}};

const struct cmd *find_command(const char *name)
{
    for (const struct cmd *const *c = commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

const struct cmd *need_command(const char *name, struct err *e)
{
    const struct cmd *found = find_command(name);
    if (found != NULL)
        return found;
    const char *names[sizeof commands / sizeof *commands];
    size_t n = 0;
    for (; commands[n] != NULL; n++)
        names[n] = commands[n]->name;
    const char *near = nearest_word(name, names, n);
    err_set(e, ERR_USAGE, "unknown command %s", shown_word(name));
    if (near != NULL)
        err_hint(e, "did you mean `repl %s`? `repl help` lists the commands", near);
    err_hint(e, "`repl help` lists the commands");
    return NULL;
}

/* ---- what a command works with ---- */

static bool open_state(struct context *c, struct err *e)
{
    if (!state_open(c->dir, false, &c->state, e))
        return false;
    if (sync_load_way(c->state, &c->sync, e))
        return true;
    state_close(c->state);
    c->state = NULL;
    return false;
}

bool context_open(struct context *c, struct err *e)
{
    if (c->state != NULL || open_state(c, e))
        return true;
    return e->kind == ERR_STATE && context_rebuild(c, e) && open_state(c, e);
}

void context_close(struct context *c)
{
    if (c->state != NULL)
        sync_free(&c->sync);
    state_close(c->state);
    c->state = NULL;
}

bool context_not_running(struct context *c, struct err *e)
{
    if (!context_open(c, e))
        return false;
    char *ready = NULL;
    if (!state_get(c->state, "ready", &ready, e))
        return false;
    err_set(e, ERR_CONFIG, "no engine is running for %s%s", c->dir,
            ready == NULL ? ", and init has not finished" : "");
    err_hint(e, "%s", ready == NULL ? "repl init" : "repl start --detach");
    free(ready);
    return false;
}

bool context_tell(struct context *c, const char *command, const char *table, const char *all, struct err *e)
{
    const char *name = c->args.nwords != 0 ? c->args.words[0] : NULL;
    const struct control_request r = {.command = command, .table = name, .timeout_ms = ANSWER_MS};
    bool running;
    if (!control_ask(c->dir, &r, &running, NULL, e))
        return false;
    if (!running)
        return context_not_running(c, e);
    if (name != NULL)
        put_line(stdout, "%s %s", name, table);
    else
        puts(all);
    return true;
}

bool context_refuse_running(struct context *c, const char *what, struct err *e)
{
    struct status st = {0};
    bool running;
    if (!control_ask(c->dir, &(struct control_request){.command = "status", .timeout_ms = ANSWER_MS},
                     &running, &st, e))
        return false;
    int pid = st.engine.pid;
    status_free(&st);
    if (!running)
        return true;
    err_set(e, ERR_CONFLICT, "an engine is running for %s (pid %d)", c->dir, pid);
    return err_hint(e, "%s", what);
}

bool ask_yes(const char *question, const char *nothing, struct err *e)
{
    char answer[16];
    if (!isatty(STDIN_FILENO)) {
        err_set(e, ERR_USAGE, "%s: the command asks first, and this is no terminal", nothing);
        return err_hint(e, "add --yes");
    }
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return err_set(e, ERR_CONFIG, "%s", nothing);
}

/* ---- from argv to a command ---- */

static bool print_help(const struct cmd *cmd)
{
    struct buf b = {0};
    if (cmd != NULL)
        help_command(&b, cmd);
    else
        help_overview(&b);
    fputs(buf_text(&b), stdout);
    buf_free(&b);
    return true;
}

static bool check_words(const struct cmd *cmd, const struct args *a, struct err *e)
{
    if (a->nwords <= cmd->max_words)
        return true;
    const char *word = a->words[cmd->max_words];
    err_set(e, ERR_USAGE, "%s: unexpected argument %s", cmd->name, shown_word(word));
    return err_hint(e, "usage: repl %s [OPTIONS]%s%s", cmd->name, cmd->args[0] != '\0' ? " " : "", cmd->args);
}

static void use_options(struct context *c)
{
    const char *dir = args_text(&c->args, "dir");
    const char *env = getenv("REPL_DIR");
    if (dir == NULL || dir[0] == '\0')
        dir = env;
    c->dir = dir != NULL && dir[0] != '\0' ? dir : default_dir;
    c->verbose = args_has(&c->args, "verbose");
    c->log_json = args_has(&c->args, "log-json");
    c->out = args_has(&c->args, "json") ? &output_json : &output_text;
    log_setup(c->verbose ? LOG_DEBUG : LOG_WARN, c->log_json);
}

static bool run_command(struct context *c, const struct cmd *cmd, int argc, char **argv, struct err *e)
{
    const struct option_spec *const tables[] = {cmd->options != NULL ? cmd->options : no_options,
                                                global_options, NULL};
    bool parsed = args_parse(&c->args, argc, argv, tables, false, cmd->name, e);
    use_options(c);
    if (!parsed)
        return false;
    if (args_has(&c->args, "help"))
        return print_help(cmd);
    if (args_has(&c->args, "version"))
        return cmd_version.exec(c, e);
    if (!check_words(cmd, &c->args, e))
        return false;
    struct err ignored; /* a mistake in repl.conf is the engine's to refuse; a command then has the default */
    if (!settings_use(c->dir, &ignored))
        log_err(LOG_WARN, &ignored);
    return cmd->exec(c, e);
}

static bool run(struct context *c, int argc, char **argv, struct err *e)
{
    static const struct option_spec *const tables[] = {global_options, NULL};
    if (!args_parse(&c->args, argc, argv, tables, true, NULL, e))
        return false;
    use_options(c);
    if (c->args.nwords == 0 && args_has(&c->args, "version"))
        return cmd_version.exec(c, e);
    if (c->args.nwords == 0 && args_has(&c->args, "help"))
        return print_help(NULL);
    if (c->args.nwords == 0) {
        err_set(e, ERR_USAGE, "no command is given");
        return err_hint(e, "`repl help` lists the commands");
    }
    const struct cmd *cmd = need_command(c->args.words[0], e);
    if (cmd == NULL)
        return false;
    return run_command(c, cmd, (int)c->args.nwords, c->args.words, e);
}

int cli_main(int argc, char **argv)
{
    struct context c = {.out = &output_text};
    struct err e = {0};
    bool ok = run(&c, argc, argv, &e) && pg_answers_fit(&e);
    if (ok && (fflush(stdout) != 0 || ferror(stdout)))
        ok = err_set(&e, ERR_OS, "standard output cannot be written");
    fflush(stdout); /* what was said before the error stands before it, in a file too */
    if (!ok)
        c.out->error(&e, c.printed);
    fflush(stdout);
    int code = ok ? c.exit_code : err_exit_code(&e);
    context_close(&c);
    free(c.source_shown);
    free(c.target_shown);
    args_free(&c.args);
    return code;
}
