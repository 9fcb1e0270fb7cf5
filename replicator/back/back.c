/* The way back: which way the changes go, and what is installed for it on both sides. */
#include "repl/back.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/fence.h"

enum { LOCK_MS = 300, GIVE_UP_MS = 600000, MAX_NAME = 63 };

/* ---- which way ---- */

static bool state_of(struct conn *db, const char *schema, struct arena *a, bool *installed,
                     struct cutover_now *out, struct err *e)
{
    struct capture c = {.schema = schema};
    if (!capture_find(db, &c, e) || !fence_read(db, &c, a, out, e))
        return false;
    *installed = c.sync_id[0] != '\0';
    return true;
}

/* A switch that is under way closes the side that it leaves; the other one is closed for good until then. */
bool ways_read(const struct sync *s, struct conn *source, struct conn *target, struct ways *out,
               struct err *e)
{
    const char *forward = s->back ? s->twin : s->schema, *back = s->back ? s->schema : s->twin;
    struct arena *a = arena_new();
    struct cutover_now here = {0}, there = {0};
    bool captured;
    *out = (struct ways){0};
    struct installation in; /* what another role could have put there is not for the way back */
    bool ok = catalog_installation(source, back, &in, e) &&
              state_of(source, forward, a, &captured, &here, e) &&
              state_of(target, back, a, &out->prepared, &there, e);
    if (ok) {
        out->here = here.closed;
        out->there = there.closed;
        out->undecided = out->here && out->there;
        out->back = out->undecided ? here.state == CUTOVER_COMPLETE : out->here && out->prepared;
    }
    arena_free(a);
    return ok;
}

bool ways_remember(struct state *st, const char *way, struct err *e)
{
    return state_set(st, "way", way, e);
}

bool ways_settle(struct sync *s, struct state *st, struct ways *out, struct err *e)
{
    struct sync f = *s; /* as init was told it */
    struct conn *source = NULL, *target = NULL;
    char *remembered = NULL;
    *out = (struct ways){0};
    if (f.back)
        sync_turn(&f);
    side_names_turn(false);
    bool ok = state_get(st, "way", &remembered, e) && sync_connect(&f, SIDE_SOURCE, "way", &source, e) &&
              sync_connect(&f, SIDE_TARGET, "way", &target, e) && ways_read(&f, source, target, out, e);
    const char *way = out->back ? "back" : out->prepared ? "forward" : NULL;
    bool same = (way == NULL) == (remembered == NULL) && (way == NULL || strcmp(way, remembered) == 0);
    ok = ok && (same || ways_remember(st, way, e));
    if (ok && out->back != s->back)
        sync_turn(s);
    side_names_turn(s->back);
    free(remembered);
    conn_close(source);
    conn_close(target);
    return ok;
}

/* ---- what could go wrong later ---- */

/* Foreign keys of the old source that could not be made quiet, or that would stop the way back. */
static bool check_foreign_keys(const struct sync *s, struct conn *source, const struct back_options *o,
                               struct err *e)
{
    struct result *r;
    bool ok = true;
    if (!pg_query_filled(source, sql_back_hindrances,
                         (const struct sql_var[]){{"schema", s->schema}, {NULL, NULL}}, &r, e))
        return err_context(e, "looking at foreign keys");
    struct arena *a = arena_new();
    for (int i = 0; ok && i < result_rows(r); i++) {
        const char *table = result_text(r, i, 0), *name = result_text(r, i, 1);
        if (result_bool(r, i, 2)) {
            o->say(o->arg,
                   arena_printf(a,
                                "warning: %s is not replicated, and its foreign key %s refers to what "
                                "is: the way back stops at a row that still stands there",
                                table, name));
            continue;
        }
        ok = err_set(e, ERR_CONFIG,
                     "foreign key %s of %s cannot be made deferrable: the table is another role's", name,
                     table);
        err_hint(e, "GRANT its owner's role to the role of --source; or cut over without --fallback");
    }
    arena_free(a);
    result_free(r);
    return ok;
}

/* Capture at the target is its tables' owner's to install. */
static bool check_owners(const struct sync *s, struct conn *target, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(target, sql_back_owners,
                         (const struct sql_var[]){{"schema", s->schema}, {NULL, NULL}}, &r, e))
        return err_context(e, "looking at the target's tables");
    bool ok = result_rows(r) == 0;
    if (!ok) {
        err_set(e, ERR_CONFIG, "the way back cannot capture %s on the target: the table is %s's",
                result_text(r, 0, 0), result_text(r, 0, 1));
        err_hint(e, "GRANT %s TO %s; or cut over without --fallback", result_text(r, 0, 1),
                 result_text(r, 0, 2));
    }
    result_free(r);
    return ok;
}

bool back_check(const struct sync *s, struct conn *source, struct conn *target, const struct back_options *o,
                struct err *e)
{
    if (strlen(s->twin) > MAX_NAME) {
        err_set(e, ERR_CONFIG, "the way back needs a schema %s, whose name is too long", s->twin);
        return err_hint(e, "a sync whose --schema has at most %d bytes", MAX_NAME - 5);
    }
    return check_owners(s, target, e) && check_foreign_keys(s, source, o, e);
}

/* ---- installing ---- */

struct installing {
    const struct back_options *o;
    size_t installed;
};

static void say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms)
{
    const struct installing *in = arg;
    char *text = xasprintf("%s.%s is locked on the target%s%s; trying again in %u ms", r->schema, r->name,
                           blocker[0] != '\0' ? " by " : "", blocker, ms);
    in->o->say(in->o->arg, text);
    free(text);
}

static void count_installed(void *arg, const struct relation *r)
{
    struct installing *in = arg;
    (void)r;
    in->installed++;
}

/* The tables of the sync, as the target describes them. */
static bool tables_there(const struct sync *s, struct conn *target, struct arena *a, struct relations *out,
                         struct err *e)
{
    struct target_state state;
    if (!target_read(target, s->schema, a, &state, e) || !catalog_read(target, s->schema, a, out, e))
        return false;
    size_t kept = 0;
    target_assign_ids(&state, out);
    for (size_t i = 0; i < out->count; i++)
        if (target_relation_of(&state, &out->items[i]) != NULL)
            out->items[kept++] = out->items[i];
    out->count = kept;
    return true;
}

/* On the old source: the tables of a target, and those of what is switched off there. One transaction each. */
static bool install_here(const struct sync *s, struct conn *source, const struct back_options *o,
                         const struct relations *tables, struct arena *a, struct err *e)
{
    struct buf rows = {0};
    struct result *r;
    if (!target_install(source, s->twin, o->sync_id, o->sync_id, e) ||
        !pg_query(source,
                  "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                  " ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'way')",
                  1, (const char *const[]){s->twin}, &r, e))
        return false;
    bool there = result_bool(r, 0, 0);
    result_free(r);
    const struct sql_var vars[] = {{"schema", s->twin}, {NULL, NULL}};
    char *sql = sql_fill(sql_back_schema, vars), *kept_out = catalog_kept_out_sql(s->twin),
         *both = xasprintf("%s%s", sql, kept_out);
    bool ok = there || pg_exec(source, both, e);
    free(sql);
    free(kept_out);
    free(both);
    for (size_t i = 0; i < tables->count; i++) {
        buf_printf(&rows, "%s(%d, ", i != 0 ? ", " : "", tables->items[i].id);
        sql_literal(&rows, tables->items[i].schema);
        buf_puts(&rows, ", ");
        sql_literal(&rows, tables->items[i].name);
        buf_puts(&rows, ")");
    }
    const struct sql_var written[] = {
        {"schema", s->twin}, {"relations", arena_strdup(a, buf_text(&rows))}, {NULL, NULL}};
    sql = sql_fill(sql_back_written, written);
    ok = ok && (tables->count == 0 || pg_exec(source, sql, e));
    free(sql);
    buf_free(&rows);
    return ok;
}

/* Since an earlier --fallback: what capture records there would be the values of another key. */
static bool keys_stay(const struct relations *tables, struct err *e)
{
    for (size_t i = 0; i < tables->count; i++) {
        const struct relation *r = &tables->items[i];
        if (r->key_was == NULL && !r->key_renamed && !r->capture_broken)
            continue;
        err_set(e, ERR_CONFIG, "the table's key is another since the way back was prepared");
        err_table(e, r->schema, r->name);
        return err_hint(e, "prepare it anew: repl cutover --abort, then repl cutover --fallback");
    }
    return true;
}

static bool install_there(const struct sync *s, struct conn *target, const struct back_options *o,
                          struct relations *tables, struct arena *a, struct err *e)
{
    struct installing in = {.o = o};
    struct capture c = {.schema = s->twin};
    int64_t functions;
    const struct capture_install_options how = {.lock_timeout_ms = LOCK_MS,
                                                .give_up_ms = GIVE_UP_MS,
                                                .waiting = say_waiting,
                                                .installed = count_installed,
                                                .arg = &in};
    snprintf(c.sync_id, sizeof c.sync_id, "%s", o->sync_id);
    const struct fence_move reserve = {.reason = NULL};
    struct cutover_now now;
    bool moved;
    if (!capture_install_schema(target, &c, e))
        return false;
    if (strcmp(c.sync_id, o->sync_id) != 0) {
        err_set(e, ERR_CONFIG, "schema %s on the target belongs to another sync", s->twin);
        return err_hint(e, "repl cleanup with the state directory of that sync, or of one with --schema %s",
                        s->twin);
    }
    fault_point("back.schema");
    if (c.installed.target_id[0] == '\0' && !capture_set_target(target, &c, o->sync_id, "", "", e))
        return false;
    /* Closed before the first trigger is there, so that no write on the target is ever unknown. */
    if (!fence_move(target, &c, CUTOVER_RESERVE, &reserve, NULL, &moved, e) ||
        !fence_read(target, &c, a, &now, e))
        return false;
    if (!now.sealed)
        return err_set(e, ERR_CONFLICT, "the fence on the target is in state %s",
                       cutover_state_name(now.state));
    if (!capture_assign_ids(target, &c, tables, a, e) || !keys_stay(tables, e) ||
        !capture_install_tables(target, &c, tables, &how, e) || !fence_extend(target, &c, &functions, e))
        return false;
    o->say(o->arg,
           arena_printf(a,
                        "the way back: %zu table%s captured on the target, which takes no writes before the "
                        "switch",
                        tables->count, tables->count == 1 ? " is" : "s are"));
    return true;
}

bool back_install(const struct sync *s, struct conn *source, struct conn *target,
                  const struct back_options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct relations tables;
    bool ok = tables_there(s, target, a, &tables, e) && install_there(s, target, o, &tables, a, e);
    fault_point("back.captured");
    struct capture c = {.schema = s->twin};
    ok = ok && install_here(s, source, o, &tables, a, e) && capture_find(target, &c, e) &&
         capture_set_ready(target, &c, e);
    arena_free(a);
    return ok || err_context(e, "installing the way back");
}

bool back_remove(const struct sync *s, struct conn *source, struct conn *target, const struct back_options *o,
                 struct err *e)
{
    struct installing in = {.o = o};
    const struct capture_install_options how = {.lock_timeout_ms = LOCK_MS,
                                                .give_up_ms = GIVE_UP_MS,
                                                .waiting = say_waiting,
                                                .installed = count_installed,
                                                .arg = &in};
    if (!back_wake(source, s->twin, e) || !back_validate(source, s->twin, o, e) ||
        !capture_remove(target, s->twin, &how, e) || !target_remove(source, s->twin, e))
        return err_context(e, "taking the way back away");
    o->say(o->arg, "the way back is taken away: the target is as it was before");
    return true;
}
