/*
 * What the source bears is looked at every watch_ms: the size of the deltas, the WAL that it has to keep, and its free
 * connections. Where it is too much of one of them repl becomes slower in the way that helps, says so once, and goes
 * back when there is room again:
 *
 *   connections   fewer workers, one at the least
 *   WAL           one worker, a low rate for what is copied, a batch a second at most
 *   deltas        a look reads them all, so repl rests twice as long as a batch took, however long that is
 */
#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "repl/check.h"

enum {
    RESTS_A_BATCH = 2, /* at most */
    ROWS_A_REST = 16,
    SLOW_REST_MS = 1000,
    LONGEST_REST_MS = 60000,
    OWN_OTHERS = 2, /* connections beside those of workers: the guard's, and a command's */
    MORE_AFTER = 3  /* looks that found room for more workers before they come back */
};

/* ---- judging ---- */

/* Too much from the limit on, until a fifth less is there. */
static bool too_much(bool was, int64_t bytes, int64_t limit)
{
    return bytes >= limit || (was && bytes >= limit - limit / 5);
}

static char *why_wal(const struct engine *g, const struct burden *b)
{
    char kept[32], limit[32];
    str_bytes(limit, sizeof limit, (double)g->settings.wal_max_bytes);
    if (b->wal_of_slots >= b->wal_not_archived)
        return xasprintf("the source keeps %s of WAL for the replication slot %s (wal_max_bytes: %s)",
                         str_bytes(kept, sizeof kept, (double)b->wal_of_slots), b->slot, limit);
    return xasprintf("the source keeps %s of WAL that is not archived yet (wal_max_bytes: %s)",
                     str_bytes(kept, sizeof kept, (double)b->wal_not_archived), limit);
}

/* Who keeps them: repl itself, as long as rows wait, or somebody's lock. */
static char *why_deltas(const struct engine *g, const struct burden *b)
{
    char size[32], limit[32], age[32];
    str_bytes(size, sizeof size, (double)b->delta_bytes);
    str_bytes(limit, sizeof limit, (double)g->settings.delta_max_bytes);
    if (g->paused || drift_any(g) != NULL || g->nleft_out != 0)
        return xasprintf("the deltas hold %s (delta_max_bytes: %s), which what is paused or waits needs",
                         size, limit);
    if (g->life == LIFE_COPYING || g->life == LIFE_INDEXING)
        return xasprintf(
            "the deltas hold %s (delta_max_bytes: %s), which is needed until the copy is through", size,
            limit);
    if (b->holder >= 0 && b->holder_seconds >= 1)
        return xasprintf("the deltas hold %s (delta_max_bytes: %s): session %d (%s) has them locked for %s",
                         size, limit, b->holder, b->holder_name,
                         str_duration(age, sizeof age, b->holder_seconds));
    return xasprintf("the deltas hold %s (delta_max_bytes: %s)", size, limit);
}

static void say(struct engine *g, bool was, bool is, const char *how, const char *why)
{
    if (is && !was)
        engine_say(g, LOG_WARN, NULL, "slower: %s, since %s", how, why);
    else if (was && !is)
        engine_say(g, LOG_INFO, NULL, "no longer slower: %s", why);
}

/* ---- each of the three ---- */

static void replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

static void judge_deltas(struct engine *g, const struct burden *b)
{
    struct bearing *s = &g->bearing;
    bool was = s->deltas_slow;
    s->deltas_slow = too_much(was, b->delta_bytes, g->settings.delta_max_bytes);
    replace(&s->deltas_why, s->deltas_slow ? why_deltas(g, b) : NULL);
    say(g, was, s->deltas_slow, "rests as long as the batches want",
        s->deltas_slow ? s->deltas_why : "the deltas are smaller again");
}

static void judge_wal(struct engine *g, const struct burden *b)
{
    struct bearing *s = &g->bearing;
    bool was = s->wal_slow;
    s->wal_slow = too_much(was, s->wal_kept, g->settings.wal_max_bytes);
    replace(&s->wal_why, s->wal_slow ? why_wal(g, b) : NULL);
    say(g, was, s->wal_slow, "one worker, at most 5 MB/s of rows copied, a batch a second",
        s->wal_slow ? s->wal_why : "the source keeps less WAL again");
}

/* Fewer at once, more only when there is room for a while. */
static void judge_connections(struct engine *g, int64_t may_have)
{
    struct bearing *s = &g->bearing;
    int64_t room = may_have - g->settings.connections_spare - OWN_OTHERS;
    int most = room < 1 ? 1 : room >= g->jobs_wanted ? 0 : (int)room;
    int now = s->workers_most != 0 ? s->workers_most : g->jobs_wanted;
    bool more = s->workers_most != 0 && (most == 0 || most > now);
    s->more_seen = more ? s->more_seen + 1 : 0;
    if (more && s->more_seen < MORE_AFTER)
        return;
    if (most == s->workers_most || (most == 1 && g->jobs_wanted == 1))
        return;
    s->workers_most = most;
    replace(&s->workers_why,
            most != 0 ? xasprintf("the source has no more connections to spare (connections_spare: %lld)",
                                  (long long)g->settings.connections_spare)
                      : NULL);
    if (most != 0)
        engine_say(g, LOG_WARN, NULL, "%s: %d of %d workers, since %s", more ? "less slow" : "slower", most,
                   g->jobs_wanted, s->workers_why);
    else
        engine_say(g, LOG_INFO, NULL, "no longer slower: the source has connections to spare again");
}

/* ---- looking ---- */

static void measure(struct engine *g, const struct burden_task *t)
{
    struct bearing *s = &g->bearing;
    uint64_t now = clock_ms();
    const struct burden *b = &t->found;
    s->wal_rate = s->known && now > s->asked_ms
                      ? (double)(b->wal_written - s->wal_written) * 1e3 / (double)(now - s->asked_ms)
                      : -1;
    s->wal_written = b->wal_written;
    s->wal_kept = b->wal_of_slots > b->wal_not_archived ? b->wal_of_slots : b->wal_not_archived;
    s->delta_bytes = b->delta_bytes;
    s->connections = t->connections;
    s->known = true;
    s->asked_ms = now;
    /* Very many tables take longer, and are asked for more rarely. */
    s->wait_ms = (uint64_t)g->settings.watch_ms;
    if (t->took_ms * SURVEY_SHARE > s->wait_ms)
        s->wait_ms = t->took_ms * SURVEY_SHARE;
}

static void judge(struct engine *g, const struct burden_task *t)
{
    measure(g, t);
    judge_deltas(g, &t->found);
    judge_wal(g, &t->found);
    judge_connections(g, t->connections);
    workers_pace(g);
    workers_settle(g);
}

/* A server that keeps its statistics to itself is followed all the same. */
static void refused(struct engine *g, const struct err *e)
{
    g->bearing.refused = true;
    engine_say(g, LOG_WARN, NULL, "deltas, WAL and connections of the source cannot be watched: %s", e->text);
}

static void looked(struct engine *g, struct task *task)
{
    struct burden_task *t = (struct burden_task *)task;
    const struct err *e = &t->task.job.err;
    g->bearing.asking = false;
    if (!t->task.job.ok && (e->kind != ERR_SQL || err_is_transient(e))) {
        supervise_error(g, e);
        return;
    }
    if (t->task.job.ok)
        judge(g, t);
    else
        refused(g, e);
    engine_go_on_beside(g);
    finish_dispatch(g);
    if (g->look_wanted)
        follow_look(g);
}

bool job_burden(struct worker *w, struct job *job, struct err *e)
{
    struct burden_task *t = (struct burden_task *)job;
    struct conn *source;
    pg_step("asking what the source bears", NULL);
    uint64_t began = clock_ms();
    if (!worker_source(w, &source, e) ||
        !capture_burden(source, &t->task.world->capture, t->task.mem, &t->found, e) ||
        !connections_for_repl(source, &t->connections, e))
        return false;
    t->took_ms = clock_ms() - began;
    return true;
}

/* A paused engine looks, too: that is when deltas grow. */
void burden_tick(struct engine *g)
{
    uint64_t now = clock_ms();
    struct bearing *s = &g->bearing;
    if (g->world == NULL || g->stopping || engine_in_trouble(g) || s->asking || s->refused || g->o->once ||
        g->life == LIFE_OPENING || g->life == LIFE_WAITING)
        return;
    workers_pace(g);
    if (s->known && now - s->asked_ms < s->wait_ms)
        return;
    struct burden_task *t = task_new(sizeof *t, job_burden, looked);
    s->asking = true;
    engine_submit(g, &t->task.job);
}

/* ---- what comes of it ---- */

/* A batch costs about the same whether it brings one row or fifty: the more it brought, the more a rest is worth. */
static double rests_a_batch(const struct engine *g, int64_t rows)
{
    double wanted = (double)rows / ROWS_A_REST;
    return g->bearing.deltas_slow || wanted > RESTS_A_BATCH ? RESTS_A_BATCH : wanted;
}

double burden_rest_ms(const struct engine *g, double took_ms, int64_t rows)
{
    double rest = took_ms * rests_a_batch(g, rows);
    double most = g->bearing.deltas_slow ? LONGEST_REST_MS : (double)g->settings.rest_ms;
    double least = g->bearing.wal_slow ? SLOW_REST_MS : 0;
    rest = rest > most ? most : rest;
    return rest < least ? least : rest;
}

/* Why repl is slower now; NULL: it is not. */
static char *slowed(const struct engine *g)
{
    const struct bearing *s = &g->bearing;
    const char *const whys[] = {s->wal_why, s->deltas_why, s->workers_why};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++)
        if (whys[i] != NULL)
            buf_printf(&b, "%s%s", b.len != 0 ? "; " : "", whys[i]);
    char *text = b.len != 0 ? xstrdup(b.data) : NULL;
    buf_free(&b);
    return text;
}

void burden_status(const struct engine *g, struct status *out)
{
    const struct bearing *s = &g->bearing;
    int64_t free_now = s->connections - g->jobs - 1;
    out->load.known = s->known;
    out->load.delta_bytes = s->delta_bytes;
    out->load.wal_kept_bytes = s->wal_kept;
    out->load.wal_bytes_per_second = s->wal_rate;
    out->load.connections_free = free_now > 0 ? free_now : 0;
    out->load.slowed = slowed(g);
}

void burden_free(struct engine *g)
{
    free(g->bearing.deltas_why);
    free(g->bearing.wal_why);
    free(g->bearing.workers_why);
}
