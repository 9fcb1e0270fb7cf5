/* What a cutover has to say when it is over. */
#include <stdio.h>
#include <stdlib.h>

#include "cutover_run.h"

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

/* sync: in the direction of the switch. */
void cutover_tell_switch(const struct cutover_run *r, bool switched)
{
    struct err ignored;
    char *uri;
    if (!switched && cutover_target_uri(r->c, false, &uri, &ignored)) {
        printf("now switch the application; put the password in:\n  heroku config:set DATABASE_URL='%s' "
               "--app APP\n",
               uri);
        free(uri);
    }
    printf("watch the application's errors (SQLSTATE 25006 comes from sessions that still use the %s)\n",
           side_name(SIDE_SOURCE));
}

void cutover_tell_after(const struct cutover_run *r)
{
    puts("all is well: repl stop, then repl cleanup");
    if (!cutover_turns(r))
        puts("back, while nothing was written to the target: repl cutover --abort");
    else if (r->c->sync.back)
        puts("to the target again: repl cutover --fallback");
    else
        puts("back, with all that is written at the target: repl cutover --back");
    fflush(stdout);
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
    printf("nothing was changed; next: repl cutover%s\n", option);
}
