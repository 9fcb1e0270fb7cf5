/* Whether a source and a target are one sync: what an init has recorded on both, read before anything is done to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/mem.h"
#include "repl/sync.h"

/* An engine, a comparison or a cutover that finds half of an init would take what is there for all that there is. */
static bool refuse_unfinished(struct err *e)
{
    err_set(e, ERR_CONFIG, "init has not finished: it was stopped, or it failed, before its end");
    return err_hint(e, "run: repl init (it goes on where it was)");
}

bool sync_is_whole(const struct sync *s, const struct capture *c, const struct target_state *t, struct err *e)
{
    if (c->sync_id[0] == '\0') {
        err_set(e, ERR_CONFIG, "capture is not installed on the %s (no schema %s)", side_name(SIDE_SOURCE),
                s->schema);
        return err_hint(e, "run: repl init");
    }
    if (!c->installed.ready)
        return refuse_unfinished(e);
    if (!t->exists) {
        err_set(e, ERR_CONFIG, "the %s has no schema %s: it does not belong to this sync",
                side_name(SIDE_TARGET), s->schema);
        return err_hint(
            e, "the source is moved to %s; if that is this one: repl init, and the copy begins again",
            c->installed.target_name);
    }
    if (strcmp(c->sync_id, t->sync_id) != 0) {
        err_set(e, ERR_CONFIG, "source and target belong to different syncs (%s and %s)", c->sync_id,
                t->sync_id);
        return err_hint(e, "check --source and --target; to begin again: repl cleanup, then repl init");
    }
    if (strcmp(c->installed.target_id, t->target_id) != 0) {
        err_set(e, ERR_CONFIG, "the source is moved to another target by now: %s", c->installed.target_name);
        return err_hint(
            e, "to move it here all the same, with a copy from the start: repl init --change-target");
    }
    if (t->nrelations == 0) {
        err_set(e, ERR_CONFIG, "the sync has no table");
        return err_hint(e, "run: repl init (it takes the source's tables in)");
    }
    return true;
}

bool sync_name_target(const struct sync *s, struct conn *target, struct target_name *out, struct err *e)
{
    struct server_identity id;
    char *database = NULL;
    *out = (struct target_name){0};
    if (!catalog_identity(target, &id, e) ||
        !pg_value(target, "SELECT pg_catalog.current_database()", 0, NULL, &database, e))
        return false;
    snprintf(out->system, sizeof out->system, "%s/%s", id.system_identifier, database);
    char *safe = dsn_safe(s->target); /* without the role: another one makes no other target */
    const char *at = strrchr(safe, '@');
    out->shown = xstrdup(at != NULL ? at + 1 : safe);
    free(safe);
    free(database);
    return true;
}

void target_name_free(struct target_name *n)
{
    free(n->shown);
    *n = (struct target_name){0};
}

enum target_is sync_judge_target(const struct capture *c, const struct target_state *t,
                                 const struct target_name *n)
{
    const struct installation *in = &c->installed;
    if (c->sync_id[0] == '\0' || in->target_id[0] == '\0')
        return TARGET_FIRST;
    if (t->exists && strcmp(t->sync_id, c->sync_id) == 0 && strcmp(t->target_id, in->target_id) == 0)
        return TARGET_SAME;
    if (t->exists || strcmp(in->target_system, n->system) != 0)
        return TARGET_OTHER;
    return in->ready ? TARGET_LOST : TARGET_UNMADE;
}
