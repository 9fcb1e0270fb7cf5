/* What a cutover has to say when it is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_run.h"
#include "repl/mem.h"

bool cutover_target_uri(const struct context *c, bool with_password, char **out, struct err *e)
{
    char *resolved;
    if (!dsn_resolve(c->sync.target, &resolved, e))
        return false;
    bool ok = dsn_uri(resolved, with_password, out, e);
    free(resolved);
    return ok;
}

void cutover_report(const struct cutover_run *r, const struct cutover_times *t)
{
    printf("writes to the %s have been off for %.2f s: fence %.2f, writers in flight %.2f, drain %.2f, "
           "sequences %.2f, large objects %.2f, check %.2f",
           side_name(SIDE_SOURCE), t->paused, t->fence, t->writers, t->drain, t->sequences, t->large_objects,
           t->check);
    if (cutover_turns(r))
        printf(", turn %.2f", t->turn);
    printf("\neverything that was committed on the %s is on the %s\n", side_name(SIDE_SOURCE),
           side_name(SIDE_TARGET));
}

void cutover_report_command(const struct cutover_run *r, const struct cutover_times *t)
{
    printf("the command of --exec ended after %.2f s", r->command_s);
    if (t != NULL)
        printf(": %.2f s after writes to the %s went off", t->paused + r->command_s, side_name(SIDE_SOURCE));
    puts("");
    fflush(stdout);
}

/* How a shell has the target's URL without anybody typing a password: as it was given to repl. NULL: as text, so that it is
 * asked for. Caller frees. */
static char *url_in_shell(const char *spec)
{
    if (strncmp(spec, "env:", 4) == 0)
        return xasprintf("$%s", spec + 4);
    if (strncmp(spec, "file:", 5) == 0)
        return xasprintf("$(head -n 1 '%s')", spec + 5);
    if (strncmp(spec, "command:", 8) == 0)
        return xasprintf("$(%s)", spec + 8);
    return NULL;
}

static void print_heroku(const struct cutover_run *r)
{
    char *url = url_in_shell(r->c->sync.target);
    if (url == NULL)
        puts("  read -rs TARGET_URL      # paste the URL with its password; it is not shown");
    puts("  heroku addons:detach DATABASE --app APP");
    printf("  heroku config:set DATABASE_URL=\"%s\" --app APP >/dev/null\n",
           url != NULL ? url : "$TARGET_URL");
    free(url);
}

/* sync: in the direction of the switch. Back on Heroku is the old add-on's name again. */
void cutover_tell_switch(const struct cutover_run *r, bool switched)
{
    struct err ignored;
    char *uri;
    if (!switched && r->c->sync.back) {
        puts("now switch the application back. On Heroku, where ADDON is the old database:\n"
             "  heroku config:unset DATABASE_URL --app APP\n"
             "  heroku addons:attach ADDON --as DATABASE --app APP");
    } else if (!switched && cutover_target_uri(r->c, false, &uri, &ignored)) {
        printf("now switch the application to %s\n"
               "on Heroku, where the old database has a second name (heroku addons:attach ADDON --as "
               "OLD_DATABASE "
               "--app APP):\n",
               uri);
        free(uri);
        print_heroku(r);
    }
    printf("watch the application's errors (SQLSTATE 25006 comes from sessions that still use the %s)\n",
           side_name(SIDE_SOURCE));
}

void cutover_tell_after(const struct cutover_run *r)
{
    if (!cutover_turns(r))
        puts("back, while nothing was written to the target: repl cutover --abort");
    else if (r->c->sync.back)
        puts("to the target again: repl cutover --fallback");
    else
        puts("back, with all that is written at the target: repl cutover --back");
    printf("leave it so for a day or two: the %s refuses writes meanwhile, and nothing is lost; how to end "
           "it: repl "
           "help cleanup\n",
           side_name(SIDE_SOURCE));
    fflush(stdout);
}

/* What takes a restart of the application, or somebody else's rights, is not for the minute in which writes are off. */
static void tell_the_day_before(const struct cutover_run *r)
{
    if (r->c->sync.back)
        return;
    puts("the day before, on Heroku (DATABASE_URL belongs to an add-on, whose name heroku addons --app APP "
         "tells):\n"
         "  heroku addons:attach ADDON --as OLD_DATABASE --app APP\n"
         "then the switch, as a script for repl cutover --exec, is:");
    puts("  heroku addons:detach DATABASE --app APP\n"
         "  heroku config:set DATABASE_URL=\"$REPL_TARGET_URL\" --app APP >/dev/null");
}

void cutover_predict(const struct cutover_run *r, const struct cutover_times *t)
{
    const char *option = !cutover_turns(r) ? "" : r->c->sync.back ? " --back" : " --fallback";
    printf("expected pause: about %.2f s (fence %.2f, writers in flight %.2f, drain %.2f, sequences %.2f, "
           "large objects %.2f, check %.2f",
           t->paused, t->fence, t->writers, t->drain, t->sequences, t->large_objects, t->check);
    if (cutover_turns(r))
        printf(", turn %.2f", t->turn);
    puts(")");
    if (t->paused * 1000 > r->timeout_ms)
        printf("warning: that is longer than %.0f s, at which the fence would be lifted again (type: repl "
               "cutover%s "
               "--timeout S%s)\n",
               r->timeout_ms / 1000.0, option, args_has(&r->c->args, "terminate") ? "" : ", or --terminate");
    tell_the_day_before(r);
    printf("nothing was changed; next: repl cutover%s\n", option);
}
