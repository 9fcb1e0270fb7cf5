/* Whether a cutover may begin, by what the engine says of itself and of its tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_run.h"
#include "repl/clock.h"
#include "repl/mem.h"

bool cutover_all_follow(const struct status *st, struct err *e)
{
    for (size_t i = 0; i < st->ntables; i++) {
        const struct status_table *t = &st->tables[i];
        if (strcmp(t->phase, "following") == 0)
            continue;
        err_set(e, ERR_NOT_YET, "a table is %s%s%s", t->phase, t->error != NULL ? ": " : "",
                t->error != NULL ? t->error : "");
        err_table(e, t->schema, t->name);
        if (strcmp(t->phase, "paused") == 0)
            return err_hint(e, "repl resume %s.%s", t->schema, t->name);
        return err_hint(e, "repl status says what it waits for");
    }
    return true;
}

/* Are the two sides known to be equal? A rehearsal goes on all the same. Behind a fence, and on the way back, it is too late to
 * ask: every second counts, and somebody went ahead before. */
static bool tell_verified(struct cutover_run *r, const struct status *st, struct err *e)
{
    struct arena *a = arena_new();
    struct finding f;
    bool ok = cutover_verified(r->c->state, st, clock_wall(), a, &f, e);
    bool blocks = ok && f.level == FINDING_BLOCKER && !args_has(&r->c->args, "unverified") &&
                  st->phase != PHASE_FENCED && !r->c->sync.back;
    if (ok)
        put_line(stdout, "%s%s%s%s%s",
                 f.level == FINDING_OK ? ""
                 : blocks              ? "blocker: "
                                       : "warning: ",
                 f.text, f.hint[0] != '\0' ? " (type: " : "", f.hint, f.hint[0] != '\0' ? ")" : "");
    if (blocks) {
        err_set(&r->differ, ERR_NOT_YET, "%s", f.text);
        err_hint(&r->differ, "%s; or, if you know why: repl cutover --unverified", f.hint);
    }
    arena_free(a);
    if (!blocks || args_has(&r->c->args, "dry-run"))
        return ok;
    *e = r->differ;
    return false;
}

static bool is_replicated(const struct status *st, const char *label)
{
    bool found = false;
    for (size_t i = 0; i < st->ntables && !found; i++) {
        char *own = xasprintf("%s.%s", st->tables[i].schema, st->tables[i].name);
        found = strcmp(own, label) == 0;
        free(own);
    }
    return found;
}

const struct status_error *cutover_open_error(const struct status *st)
{
    for (size_t i = 0; i < st->nerrors; i++) {
        const char *table = st->errors[i].table;
        if (st->doubt.reason != NULL && strcmp(st->errors[i].message, st->doubt.reason) == 0)
            continue; /* which tell_verified judges */
        if (table == NULL || table[0] == '\0' || is_replicated(st, table))
            return &st->errors[i];
    }
    return NULL;
}

bool cutover_judge(struct cutover_run *r, const struct status *st, struct err *e)
{
    const struct status_error *open = cutover_open_error(st);
    if (status_phase(st) != PHASE_FOLLOWING && status_phase(st) != PHASE_FENCED) {
        err_set(e, ERR_NOT_YET, "the phase is %s, not following", phase_name(st->phase));
        return err_hint(e, "%s", st->next != NULL ? st->next : "repl status");
    }
    if (open != NULL) {
        err_set(e, ERR_NOT_YET, "there are errors that are not over: %s%s%s",
                open->table != NULL ? open->table : "", open->table != NULL ? ": " : "", open->message);
        return err_hint(e, "%s", open->hint != NULL ? open->hint : "repl status");
    }
    if (!cutover_all_follow(st, e))
        return false;
    printf("%zu table%s follow%s, %.1f s behind\n", st->ntables, st->ntables == 1 ? "" : "s",
           st->ntables == 1 ? "s" : "", st->lag_seconds > 0 ? st->lag_seconds : 0);
    return tell_verified(r, st, e);
}
