/* The options that describe a sync. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "repl/mem.h"

enum { DEFAULT_JOBS = 4, MAX_NAME = 63 };

void sync_defaults(struct sync *s, const char *dir)
{
    *s = (struct sync){.dir = xstrdup(dir), .jobs = DEFAULT_JOBS};
    sync_name_schemas(s, "repl");
}

static void take_text(const struct args *a, const char *name, char **out)
{
    const char *text = args_text(a, name);
    if (text == NULL)
        return;
    free(*out);
    *out = xstrdup(text);
}

/* Where neither an option nor the state file says so. By name, so that no password is kept. */
static void take_variable(const char *name, const char *spec, char **out)
{
    const char *value = getenv(name);
    if (*out == NULL && value != NULL && *value != '\0')
        *out = xstrdup(spec);
}

static void take_list(const struct args *a, const char *name, struct strlist *out)
{
    if (!args_has(a, name))
        return;
    strlist_free(out);
    args_list(a, name, out);
}

static bool check_schema(const char *name, struct err *e)
{
    size_t n = strlen(name);
    if (n > 0 && n <= MAX_NAME && strncmp(name, "pg_", 3) != 0)
        return true;
    err_set(e, ERR_USAGE, "--schema cannot be \"%s\": 1 to %d bytes, not beginning with pg_", name, MAX_NAME);
    return false;
}

/* Rows that were restored are neither emptied nor copied again. */
static bool check_seeded(const struct args *a, struct err *e)
{
    const char *other = args_has(a, "overwrite")   ? "overwrite"
                        : args_has(a, "copy-from") ? "copy-from"
                                                   : NULL;
    if (!args_has(a, "seeded") || other == NULL)
        return true;
    return err_set(e, ERR_USAGE, "--seeded and --%s exclude each other", other);
}

/* The shell's history has it by now, and `ps` had it until it was overwritten. */
static void warn_of_passwords(const struct args *a)
{
    static const char *const options[] = {"source", "target", "copy-from"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *text = args_text(a, options[i]);
        if (text != NULL && dsn_shows_password(text))
            fprintf(stderr,
                    "repl: warning: --%s holds a password, which the shell's history keeps and `ps` may have "
                    "shown: "
                    "give env:NAME, file:PATH or command:CMD\n",
                    options[i]);
    }
}

static bool take_always(const struct args *a, struct sync *s, struct err *e)
{
    const char *text = args_text(a, "always-triggers");
    if (text == NULL)
        return true;
    s->keep_always = strcmp(text, "keep") == 0;
    return s->keep_always || strcmp(text, "ordinary") == 0 ||
           err_set(e, ERR_USAGE, "--always-triggers cannot be \"%s\": keep or ordinary", text);
}

bool sync_from_args(const struct context *c, struct sync *s, struct err *e)
{
    const struct args *a = &c->args;
    long long jobs;
    if (!args_int(a, "jobs", 1, JOBS_MOST, s->jobs, &jobs, e))
        return false;
    s->jobs = (int)jobs;
    if (!args_seconds(a, "lock-wait", &s->lock_wait_ms, e))
        return false;
    if (args_has(a, "max-rate") && !args_rate(a, "max-rate", &s->max_rate, e))
        return false;
    warn_of_passwords(a);
    s->allow_plain = s->allow_plain || args_has(a, "allow-plaintext");
    dsn_allow_plain(s->allow_plain);
    take_text(a, "source", &s->source);
    take_text(a, "target", &s->target);
    take_variable("REPL_SOURCE", "env:REPL_SOURCE", &s->source);
    take_variable("REPL_TARGET", "env:REPL_TARGET", &s->target);
    if (args_has(a, "schema"))
        sync_name_schemas(s, args_text(a, "schema"));
    take_list(a, "tables", &s->selection.tables);
    take_list(a, "exclude", &s->selection.exclude);
    s->no_schema = s->no_schema || args_has(a, "no-schema");
    s->auto_add = s->auto_add || args_has(a, "auto-add");
    s->overwrite = s->overwrite || args_has(a, "overwrite");
    s->seeded = s->seeded || args_has(a, "seeded");
    take_text(a, "copy-from", &s->copy_from);
    return take_always(a, s, e) && check_schema(s->schema, e) && check_seeded(a, e);
}

bool sync_need_both(const struct sync *s, const char *command, struct err *e)
{
    bool no_source = s->source == NULL || s->source[0] == '\0';
    bool no_target = s->target == NULL || s->target[0] == '\0';
    if (!no_source && !no_target)
        return true;
    err_set(e, ERR_USAGE, "%s: %s missing", command,
            no_source && no_target ? "--source and --target are"
            : no_source            ? "--source is"
                                   : "--target is");
    return err_hint(e, "repl %s --source env:DATABASE_URL --target env:TARGET_URL", command);
}
