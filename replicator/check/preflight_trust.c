/* Whose code runs as which role, and who could keep writes from capture (docs/security.md). */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

static bool check_sessions(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(look_conn(l, side), sql_check_own_role, (const struct sql_var[]){{NULL, NULL}}, &r,
                         e))
        return false;
    const char *role = result_text(r, 0, 0), *names = result_text(r, 0, 2);
    int64_t n = result_int(r, 0, 1);
    if (n != 0)
        look_add(
            l, FINDING_WARNING, "exemption", side_name(side), "",
            arena_printf(l->a,
                         "%lld other session%s of role %s, which is repl's own%s%s: a session of that role "
                         "that sets repl.origin to the sync's id is not captured, and passes the write fence",
                         (long long)n, n == 1 ? "" : "s", role, names[0] != '\0' ? ": " : "", names),
            arena_printf(
                l->a,
                "where the application's code is trusted that is all right; else give repl a role of "
                "its own: CREATE ROLE repl_source LOGIN PASSWORD '...'; GRANT %s TO repl_source",
                role));
    else
        look_ok(l, "exemption", side_name(side),
                "no other session has role %s: what others write cannot be kept from capture", role);
    result_free(r);
    return true;
}

static bool check_marks(struct look *l, enum side side, struct err *e)
{
    const char *marks;
    if (!catalog_marks(look_conn(l, side), l->a, &marks, e))
        return false;
    if (marks[0] != '\0')
        look_add(l, FINDING_WARNING, "exemption", side_name(side), "",
                 arena_printf(
                     l->a, "somebody has run %s: sessions of repl's role that get it would not be captured",
                     marks),
                 "take it back: the same with RESET in the place of SET");
    return true;
}

bool step_exemption(struct look *l, enum side side, struct err *e)
{
    if (side == SIDE_SOURCE && l->capture.other_role)
        look_add(
            l, FINDING_WARNING, "exemption", side_name(side), "",
            arena_printf(l->a,
                         "capture was installed by another role than %s, or by that one under another name",
                         l->capture.role),
            "the engine makes capture's functions for this role: repl start, or repl stop and repl start");
    return check_marks(l, side, e) && (side != SIDE_SOURCE || check_sessions(l, side, e));
}

/* pg_dump leaves owners behind: what is made on the target is owned by the role that makes it. */
bool step_definers(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    size_t before = l->out->count;
    const char *role = l->facts[SIDE_TARGET].role;
    (void)side;
    const struct sql_var vars[] = {{"own_schema", l->s->schema}, {NULL, NULL}};
    if (!pg_query_filled(l->source, sql_check_definers, vars, &r, e))
        return false;
    for (int i = 0; !l->s->no_schema && i < result_rows(r); i++) {
        const char *owner = result_text(r, i, 0), *some = result_text(r, i, 2);
        int64_t n = result_int(r, i, 1);
        if (strcmp(owner, role) == 0)
            continue;
        look_add(
            l, FINDING_WARNING, "security definer", "source", "",
            arena_printf(l->a,
                         "%lld SECURITY DEFINER function%s of %s, which will run as %s on the target: %s%s",
                         (long long)n, n == 1 ? "" : "s", owner, role, some, n > 5 ? ", ..." : ""),
            arena_printf(l->a,
                         "on the target, after init: ALTER FUNCTION ... OWNER TO %s; or give --target a role "
                         "of its own that owns nothing else (docs/security.md)",
                         owner));
    }
    result_free(r);
    if (l->out->count == before)
        look_ok(l, "security definer", "source",
                "no function will run as another role on the target than here");
    return true;
}
