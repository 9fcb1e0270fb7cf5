/* The steps of a cutover that can take their time while the application writes, and its rehearsal. */
#include <stdlib.h>

#include "cutover_private.h"
#include "large_objects.h"
#include "repl/embedded.h"
#include "repl/fault.h"

/* A sync before the fence may take so long; one that takes longer says that the target is not close enough. */
enum { FIRST_SYNC_MS = 60000 };
/* Who writes for longer than this is named before the fence. */
enum { LONG_WRITER_S = 5 };

static bool tell_unreplicated(struct cutover *c, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(c->source, sql_cutover_unreplicated,
                         (const struct sql_var[]){{"own_schema", c->s->schema}, {NULL, NULL}}, &r, e))
        return err_context(e, "looking for tables that are not replicated");
    for (int i = 0; i < result_rows(r); i++)
        cutover_say(c, "warning: %s is not replicated and stays open for writes (%s rows written so far)",
                    result_text(r, i, 0), result_text(r, i, 1));
    result_free(r);
    return true;
}

static bool tell_long_writers(struct cutover *c, struct err *e)
{
    struct writer *w;
    size_t n;
    if (!capture_writers(c->source, &c->capture, c->a, &w, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (w[i].pid == 0) {
            err_set(e, ERR_NOT_YET, "a prepared transaction holds %s and would hold the cutover", w[i].table);
            return err_hint(e,
                            "SELECT gid FROM pg_prepared_xacts; then COMMIT PREPARED or ROLLBACK PREPARED");
        }
        if (w[i].seconds > LONG_WRITER_S)
            cutover_say(
                c, "warning: %s (pid %d) has been writing %s for %.0f s (%s): writes will wait for its end",
                w[i].who, w[i].pid, w[i].table, w[i].seconds, w[i].state);
    }
    return true;
}

bool cutover_copy_objects(struct cutover *c, struct err *e)
{
    size_t copied = 0;
    uint64_t began = clock_us();
    if (c->o->large_objects && !large_objects_copy(c->source, c->target, c->a, &copied, e)) {
        err_hint(e, "give the role of --source SELECT on them, or leave them out: --skip-large-objects");
        return false;
    }
    c->times.large_objects = cutover_seconds_since(began);
    if (copied != 0)
        cutover_say(c, "large objects: %zu copied", copied);
    return true;
}

static bool plan_views(struct cutover *c, struct err *e)
{
    const struct relations none = {0};
    const struct units_wanted w = {.s = c->s,
                                   .target = c->target,
                                   .tables = &none,
                                   .i = watch_interrupt(c->watch),
                                   .say = c->o->say,
                                   .arg = c->o->arg};
    return units_matviews(&w, c->a, &c->views, e);
}

bool cutover_refresh_views(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    for (size_t i = 0; i < c->views.count; i++) {
        const struct unit *u = &c->views.items[i];
        if (!unit_run(u, &c->views, units_share(&c->views, 1), c->target, c->o->say, c->o->arg, e))
            return err_context(e, "refreshing %s", u->what);
    }
    c->times.matviews = cutover_seconds_since(began);
    return true;
}

static bool first_sync(struct cutover *c, struct err *e)
{
    uint64_t began = clock_us();
    if (!c->o->kick(c->o->arg, FIRST_SYNC_MS, watch_interrupt(c->watch), e)) {
        if (e->kind == ERR_NOT_YET)
            err_hint(e, "the target is not close enough yet: repl status --watch");
        return false;
    }
    c->times.kick = cutover_seconds_since(began);
    cutover_say(c, "a sync takes %.2f s", c->times.kick);
    return true;
}

bool cutover_prepare(struct cutover *c, struct err *e)
{
    bool ok = cutover_look_at_tables(c, e) && tell_unreplicated(c, e) && tell_long_writers(c, e) &&
              cutover_copy_objects(c, e) && plan_views(c, e) && cutover_refresh_views(c, e) &&
              first_sync(c, e);
    c->views_s = c->times.matviews;
    fault_point("cutover.prepared");
    return ok;
}

/* ---- the way back ---- */

bool cutover_prepare_turn(struct cutover *c, bool look_only, struct err *e)
{
    const struct back_options o = {.sync_id = c->capture.sync_id, .say = c->o->say, .arg = c->o->arg};
    int64_t functions;
    if (!c->o->turns)
        return true;
    if (c->s->back) /* the old source's fence is up since the switch; new tables may have come */
        return look_only || fence_extend(c->there, &c->other, &functions, e);
    return back_check(c->s, c->source, c->there, &o, e) &&
           (look_only || back_install(c->s, c->fence, c->there, &o, e));
}

bool cutover_forget_turn(struct cutover *c, struct err *e)
{
    const struct back_options o = {.sync_id = c->capture.sync_id, .say = c->o->say, .arg = c->o->arg};
    struct conn *source = NULL, *target = NULL;
    bool ok = cutover_connect(c, SIDE_SOURCE, watch_interrupt(c->watch), &source, e) &&
              (cutover_connect(c, SIDE_TARGET, watch_interrupt(c->watch), &target, e) ||
               err_hint(e, "the source takes writes; when the target answers: repl cutover --abort")) &&
              back_remove(c->s, source, target, &o, e);
    conn_close(source);
    conn_close(target);
    return ok;
}

/* ---- the rehearsal ---- */

/* No lease is begun: nobody is refused, and what the functions are in this transaction nobody sees. */
static bool try_fence(struct cutover *c, int64_t *functions, struct err *e)
{
    uint64_t began = clock_us();
    bool ok = pg_exec(c->fence, "BEGIN; SET LOCAL synchronous_commit = on", e) &&
              fence_extend(c->fence, &c->capture, functions, e) && pg_exec(c->fence, "ROLLBACK", e);
    c->times.fence = cutover_seconds_since(began);
    return ok;
}

/* How long the oldest writer has been at it: who is in flight at the fence will take about as long, if it is let. */
static bool measure_writers(struct cutover *c, struct err *e)
{
    struct writer *w;
    size_t n;
    if (!capture_writers(c->source, &c->capture, c->a, &w, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (w[i].seconds > c->times.writers)
            c->times.writers = w[i].seconds;
    cutover_say(c, "writers in flight now: %zu, the oldest since %.2f s", n, c->times.writers);
    if (c->o->terminate && c->times.writers * 1000 > GRACE_MS)
        c->times.writers = GRACE_MS / 1000.0;
    return true;
}

static bool measure_sequences(struct cutover *c, struct err *e)
{
    struct sequences from, to;
    uint64_t began = clock_us();
    if (!sequences_read(c->source, c->s->schema, c->a, &from, e) ||
        !sequences_read(c->target, c->s->schema, c->a, &to, e))
        return false;
    c->times.sequences = cutover_seconds_since(began);
    c->times.check = c->times.sequences;
    return true;
}

/* Letting the other side write takes what putting a fence up takes; before it the old source is made as it was. */
static bool measure_turn(struct cutover *c, struct err *e)
{
    double restoring = 0;
    if (!c->o->turns)
        return true;
    if (c->s->back) {
        if (!back_try_wake(c->target, c->s->schema, &restoring, e))
            return err_context(e, "on the %s", side_name(SIDE_TARGET));
        cutover_say(c, "restoring foreign keys and triggers would take %.2f s (tried, and rolled back)",
                    restoring);
    }
    c->times.turn = restoring + c->times.fence;
    return true;
}

bool cutover_rehearse(struct cutover *c, struct err *e)
{
    int64_t functions;
    struct cutover_times *t = &c->times;
    if (!try_fence(c, &functions, e) || !measure_writers(c, e) || !measure_sequences(c, e) ||
        !measure_turn(c, e))
        return false;
    t->drain = t->kick;
    bool views = c->views_s * 1000 < QUICK_VIEWS_MS;
    t->paused = t->fence + t->writers + t->drain + t->sequences + t->large_objects +
                (views ? t->matviews : 0) + t->check + t->turn;
    cutover_say(c, "the fence would replace %lld function%s in %.3f s (tried, and rolled back)",
                (long long)functions, functions == 1 ? "" : "s", t->fence);
    return true;
}
