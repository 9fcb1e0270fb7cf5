/*
 * Tables that cannot follow just now: the two sides do not agree on what the table looks like (the opening finds that),
 * or the target refused its rows. Such a table is left out with its reason and keeps its position; capture goes on, and
 * so do the other tables. It is tried again when the catalogs have changed, after half a second and then ever more rarely up
 * to retry_max_ms, and by `repl kick`, and comes back by itself.
 */
#include "drift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/log.h"
#include "rounds.h"

struct aside {
    int id;
    bool trying;     /* it takes part again: gone when that works out */
    unsigned failed; /* times in a row */
    struct err why;
};

static struct aside *aside_of(const struct engine *g, int id)
{
    for (size_t i = 0; i < g->nasides; i++)
        if (g->asides[i].id == id)
            return &g->asides[i];
    return NULL;
}

static const struct err *world_drift(const struct world *w, int id)
{
    for (size_t i = 0; w != NULL && i < w->ndrifting; i++)
        if (w->relations.items[w->drifting[i]].id == id)
            return &w->drifts[w->drifting[i]];
    return NULL;
}

const struct err *drift_of(const struct engine *g, int id)
{
    const struct err *e = world_drift(g->world, id);
    const struct aside *a = aside_of(g, id);
    return e != NULL ? e : a != NULL && !a->trying ? &a->why : NULL;
}

const struct err *drift_shown(const struct engine *g, int id)
{
    const struct err *e = drift_of(g, id);
    const struct aside *a = aside_of(g, id);
    return e != NULL || a == NULL ? e : &a->why;
}

bool drift_refused(const struct engine *g, int id)
{
    return world_drift(g->world, id) == NULL && drift_shown(g, id) != NULL;
}

static bool is_paused(const struct engine *g, int id)
{
    return ids_have(&(struct ids){g->left_out, g->nleft_out}, id);
}

static bool is_half(const struct world *w, int id)
{
    return w != NULL && ids_have(&(struct ids){w->half, w->nhalf}, id);
}

bool drift_holds(const struct engine *g, int id)
{
    return is_paused(g, id) || drift_of(g, id) != NULL || is_half(g->world, id);
}

bool drift_lasts(const struct engine *g)
{
    enum { TIMES = 4 };
    if (g->world != NULL && g->world->ndrifting != 0)
        return true;
    for (size_t i = 0; i < g->nasides; i++)
        if (g->asides[i].failed >= TIMES)
            return true;
    return false;
}

const struct err *drift_any(const struct engine *g)
{
    for (size_t i = 0; g->world != NULL && i < g->world->relations.count; i++) {
        const struct err *e = drift_of(g, g->world->relations.items[i].id);
        if (e != NULL)
            return e;
    }
    return NULL;
}

struct ids drift_left_out(const struct engine *g, struct arena *a)
{
    const struct world *w = g->world;
    int *ids = arena_alloc(a, (w->relations.count + w->nhalf + g->nleft_out + 1) * sizeof *ids);
    size_t n = 0;
    for (; n < w->nhalf; n++)
        ids[n] = w->half[n];
    for (size_t i = 0; i < w->relations.count; i++) {
        int id = w->relations.items[i].id;
        if (drift_holds(g, id) || beside_has(g, id))
            ids[n++] = id;
    }
    return (struct ids){ids, n};
}

/* ---- trying again ---- */

void drift_reopen(struct engine *g)
{
    g->reopen_wanted = g->life != LIFE_OPENING && g->life != LIFE_WAITING;
    g->settle_wanted = true;
    uv_async_send(&g->wake);
}

static void reopen_later(uv_timer_t *timer)
{
    engine_settle(timer->data);
}

bool drift_reopen_now(struct engine *g)
{
    if (!g->reopen_wanted || g->life == LIFE_OPENING || g->life == LIFE_WAITING)
        return false;
    uint64_t rest = rounds_rest_ms(g, ROUND_OPENINGS);
    if (rest != 0) {
        uv_timer_start(&g->retry_timer, reopen_later, rest, 0);
        return false;
    }
    g->reopen_wanted = false;
    phase_fire(g, EV_CHANGED);
    return true;
}

static void try_all(struct engine *g)
{
    for (size_t i = 0; i < g->nasides; i++)
        g->asides[i].trying = true;
    g->drift_tried_ms = clock_ms();
    drift_reopen(g);
}

void drift_again(struct engine *g)
{
    if (drift_any(g) != NULL)
        try_all(g);
}

/* ---- an error that is one table's ---- */

static void put_aside(struct engine *g, int id, const struct err *e)
{
    struct aside *a = aside_of(g, id);
    bool known = a != NULL && strcmp(a->why.text, e->text) == 0;
    unsigned failed = a != NULL ? a->failed + 1 : 1;
    if (a == NULL) {
        g->asides = xrealloc(g->asides, (g->nasides + 1) * sizeof *g->asides);
        a = &g->asides[g->nasides++];
        g->drift_tried_ms = clock_ms();
    }
    *a = (struct aside){id, false, failed, *e};
    if (!known)
        engine_say(g, LOG_WARN, NULL, "%s: %s; this table waits, the others go on", e->table, e->text);
}

static bool has_tables(enum life life)
{
    return life == LIFE_COPYING || life == LIFE_CATCHING_UP || life == LIFE_FOLLOWING;
}

bool drift_takes(struct engine *g, const struct err *e)
{
    if (g->o->sync->back || !g->opened_once || !has_tables(g->life) || e->relation == 0 ||
        err_is_transient(e) || (e->kind != ERR_SQL && e->kind != ERR_CONFIG))
        return false;
    const struct relation *r = relations_by_id(&g->world->relations, e->relation);
    if (r == NULL)
        return false;
    struct err why = *e;
    /* A row that violates a constraint names it; one that fits no partition does not. */
    if (err_is(e, "23514") && !e->constraint && r->partitioned)
        err_hint(&why,
                 "on the target: create the partition that the source has; compare \\d+ %s on both sides",
                 r->sql);
    put_aside(g, r->id, &why);
    drift_reopen(g);
    return true;
}

void drift_joined(struct engine *g, const struct ids *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->nasides; i++) {
        const struct aside *a = &g->asides[i];
        if (a->trying && !ids_have(left_out, a->id))
            engine_say(g, LOG_INFO, NULL, "%s is taken by the target again", a->why.table);
        else
            g->asides[kept++] = *a;
    }
    g->nasides = kept;
}

/* ---- an opening ---- */

static void say_drifts(struct engine *g, const struct world *before)
{
    const struct world *w = g->world;
    for (size_t i = 0; i < w->relations.count; i++) {
        const struct err *e = w->drifts[i].kind != ERR_NONE ? &w->drifts[i] : NULL;
        const struct err *was = world_drift(before, w->relations.items[i].id);
        if (e != NULL && (was == NULL || strcmp(was->text, e->text) != 0))
            engine_say(g, LOG_WARN, NULL, "%s: %s; this table waits, the others go on", e->table, e->text);
        else if (e == NULL && was != NULL)
            engine_say(g, LOG_INFO, NULL, "%s: both sides agree again; it catches up", was->table);
    }
}

static bool in_list(const struct strlist *l, const char *text)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i], text) == 0)
            return true;
    return false;
}

/* Of more tables than so many only some are named: they may be thousands, and would push all else out of the log. */
enum { NEWS_TOLD = 5 };

/* "a, b, c and 7 more" of these tables; the caller frees it. */
static char *some_of(char *const *names, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n && i < NEWS_TOLD; i++)
        buf_printf(&b, "%s%s", i != 0 ? ", " : "", names[i]);
    if (n > NEWS_TOLD)
        buf_printf(&b, " and %zu more", n - NEWS_TOLD);
    return b.data;
}

static void say_news(struct engine *g, const struct world *before)
{
    const struct strlist *news = &g->world->news;
    char **fresh = xcalloc(news->count + 1, sizeof *fresh);
    size_t n = 0;
    for (size_t i = 0; i < news->count; i++)
        if (before == NULL || !in_list(&before->news, news->items[i]))
            fresh[n++] = news->items[i];
    if (n > NEWS_TOLD) {
        char *some = some_of(fresh, n);
        engine_say(g, LOG_WARN, NULL,
                   "%zu tables are new on the source and not replicated: %s; repl add NAME, or all of "
                   "them: repl stop, repl init, repl start",
                   n, some);
        free(some);
    }
    for (size_t i = 0; n <= NEWS_TOLD && i < n; i++)
        engine_say(g, LOG_WARN, NULL, "%s is new on the source and not replicated: repl add %s", fresh[i],
                   fresh[i]);
    free(fresh);
}

void drift_opened(struct engine *g, const struct world *before)
{
    for (size_t i = 0; i < g->world->said.count; i++)
        engine_say(g, LOG_WARN, NULL, "%s", g->world->said.items[i]);
    say_drifts(g, before);
    say_news(g, before);
    /* What the catalogs explain is no error of its own. */
    size_t kept = 0;
    for (size_t i = 0; i < g->nasides; i++)
        if (relations_by_id(&g->world->relations, g->asides[i].id) != NULL &&
            world_drift(g->world, g->asides[i].id) == NULL)
            g->asides[kept++] = g->asides[i];
    g->nasides = kept;
}

/* ---- the survey: have the catalogs changed? ---- */

static void surveyed(struct engine *g, struct task *task);

static bool is_held(const struct engine *g)
{
    return g->stopping || g->paused || engine_in_trouble(g) || g->world == NULL;
}

static bool survey_is_due(const struct engine *g, uint64_t now)
{
    uint64_t wait = g->survey_wait_ms != 0 ? g->survey_wait_ms : (uint64_t)g->settings.survey_ms;
    bool requested = g->request > g->surveyed && (has_tables(g->life) || g->life == LIFE_FINISHING);
    bool wanted = g->life == LIFE_FOLLOWING ||
                  ((g->life == LIFE_COPYING || g->life == LIFE_CATCHING_UP) && drift_any(g));
    return !g->surveying && (requested || (wanted && now - g->survey_ms >= wait));
}

static void survey_if_due(struct engine *g)
{
    if (is_held(g) || !survey_is_due(g, clock_ms()))
        return;
    struct survey_task *t = task_new(sizeof *t, job_survey, surveyed);
    t->request = g->request;
    t->in_doubt = g->in_doubt;
    g->surveying = true;
    engine_submit(g, &t->task.job);
}

/* Once, until they change. */
static void say_marks(struct engine *g, int side, const char *found)
{
    const char *known = g->marks[side] != NULL ? g->marks[side] : "";
    if (strcmp(known, found) == 0)
        return;
    if (found[0] != '\0')
        engine_say(
            g, LOG_WARN, NULL,
            "somebody has run on the %s: %s; sessions of repl's role that get it are not captured, and take "
            "part in no write fence: take it back by the same with RESET in the place of SET, then run repl "
            "verify",
            side_name(side), found);
    else
        engine_say(g, LOG_INFO, NULL, "no role or database of the %s gives repl's mark to sessions any more",
                   side_name(side));
    free(g->marks[side]);
    g->marks[side] = xstrdup(found);
}

static void surveyed(struct engine *g, struct task *task)
{
    struct survey_task *t = (struct survey_task *)task;
    g->surveying = false;
    g->survey_ms = clock_ms();
    if (!t->task.job.ok) {
        supervise_error(g, &t->task.job.err);
        return;
    }
    for (int i = 0; i < 2; i++)
        say_marks(g, i, t->marks[i]);
    g->in_doubt = t->in_doubt;
    /* Large catalogs take longer, and are asked for more rarely. */
    g->survey_wait_ms = (uint64_t)g->settings.survey_ms;
    if (t->took_ms * SURVEY_SHARE > g->survey_wait_ms)
        g->survey_wait_ms = t->took_ms * SURVEY_SHARE;
    if (t->changed) {
        try_all(g);
    } else if (t->request > g->surveyed) {
        g->surveyed = t->request;
        follow_look(g);
        survey_if_due(g); /* for requests that came meanwhile */
    }
    engine_go_on_beside(g);
}

void drift_requested(struct engine *g)
{
    survey_if_due(g);
}

/* Soon at first, since another table's rows may be what was missing; then ever more rarely. */
static uint64_t retry_wait(const struct engine *g)
{
    enum { FIRST_MS = 500, DOUBLINGS = 10 };
    unsigned least = DOUBLINGS;
    for (size_t i = 0; i < g->nasides; i++)
        least = g->asides[i].failed - 1 < least ? g->asides[i].failed - 1 : least;
    uint64_t wait = (uint64_t)FIRST_MS << least, most = (uint64_t)g->settings.retry_max_ms;
    return wait < most ? wait : most;
}

void drift_tick(struct engine *g)
{
    if (is_held(g))
        return;
    if (g->nasides != 0 && has_tables(g->life) && drift_any(g) != NULL &&
        clock_ms() - g->drift_tried_ms >= retry_wait(g))
        drift_again(g);
    else
        survey_if_due(g);
}

/* ---- what status says ---- */

void drift_tell(struct status *out, const struct err *e)
{
    char at[32];
    out->errors = xrealloc(out->errors, (out->nerrors + 1) * sizeof *out->errors);
    memmove(out->errors + 1, out->errors, out->nerrors * sizeof *out->errors);
    out->errors[0] = (struct status_error){
        .at = xstrdup(clock_iso(at, sizeof at, clock_wall())),
        .table = xstrdup(e->table),
        .message = xstrdup(e->text),
        .hint = xstrdup(e->hint[0] != '\0'
                            ? e->hint
                            : "remove what the error names; repl goes on by itself, at once with: repl kick"),
    };
    out->nerrors++;
}

static bool is_there(const struct status *out, const struct err *e)
{
    for (size_t i = 0; i < out->nerrors; i++)
        if (strcmp(out->errors[i].message, e->text) == 0)
            return true;
    return false;
}

void drift_status(const struct engine *g, struct status *out)
{
    for (size_t i = g->world != NULL ? g->world->relations.count : 0; i-- > 0;) {
        const struct err *e = drift_shown(g, g->world->relations.items[i].id);
        if (e != NULL && !is_there(out, e))
            drift_tell(out, e);
    }
}

/* A table that is new on the source would be missing after a switch: no error, so behind those. */
void drift_news(const struct engine *g, struct status *out)
{
    const struct strlist *news = g->world != NULL ? &g->world->news : NULL;
    const size_t n = news == NULL ? 0 : news->count > NEWS_TOLD ? 1 : news->count;
    char at[32];
    clock_iso(at, sizeof at, clock_wall());
    out->errors = xrealloc(out->errors, (out->nerrors + n + 1) * sizeof *out->errors);
    if (n != 0 && news->count > NEWS_TOLD) {
        char *some = some_of(news->items, news->count);
        out->errors[out->nerrors++] = (struct status_error){
            .at = xstrdup(at),
            .message =
                xasprintf("%zu tables are new on the source and not replicated: %s", news->count, some),
            .hint = xstrdup("repl add NAME, or all of them: repl stop, repl init, repl start")};
        free(some);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out->errors[out->nerrors++] =
            (struct status_error){.at = xstrdup(at),
                                  .table = xstrdup(news->items[i]),
                                  .message = xstrdup("the table is new on the source and not replicated"),
                                  .hint = xasprintf("repl add %s", news->items[i])};
}
