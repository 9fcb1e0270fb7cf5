/*
 * verify: compares all rows of the sync under live traffic. This thread cuts ranges, hands them to workers and keeps
 * what they find in the state file, so that a run that was killed goes on. The argument is in docs/verify.md.
 */
#include "verify_run.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/fault.h"
#include "repl/log.h"

enum { SHOW_EVERY_MS = 250, TRIES = 8, TARGET_LOCK_MS = 5000, KEEP_KEYS = 1000000 };

static void set_text(char **text, const char *to)
{
    free(*text);
    *text = to != NULL ? xstrdup(to) : NULL;
}

/* ---- what the workers found ---- */

static void add_found(struct verify_table *t, const struct verify_job *j)
{
    const struct verify_found *f = &j->found;
    t->rows += f->rows;
    t->missing += f->missing;
    t->extra += f->extra;
    t->different += f->different;
    t->repaired += f->repaired;
    t->bytes += j->what == VERIFY_KEYS ? 0 : j->bytes;
}

/* A table without key is looked at again while it moves, and once more where it is to be repaired. */
static void take_whole(struct verification *v, struct verify_table *t, struct verify_job *j)
{
    struct verify_found *f = &j->found;
    struct course *w = &v->course[j->index];
    bool differs = f->missing + f->extra != 0;
    w->moving = f->moving;
    if (f->moving)
        return;
    if (!j->repaired) {
        w->repairing = differs && v->o->repair;
        return;
    }
    static const char *const all[] = {""};
    w->repairing = differs;
    if (!differs) {
        t->repaired += t->missing + t->extra;
        f->settled = arena_alloc(j->mem, sizeof(*f->settled));
        f->settled[f->nsettled++] = all[0];
    }
    f->rows = f->missing = f->extra = 0; /* told already */
    f->ndifferences = 0;
}

/* Something was owed at this look. */
static void take_standing(struct course *c, const char *stands)
{
    if (stands == NULL)
        return;
    c->stuck = c->stood != NULL && strcmp(c->stood, stands) == 0;
    set_text(&c->stands, stands);
}

static bool save_found(struct verification *v, struct verify_job *j, struct err *e)
{
    struct verify_table *t = &v->tables[j->index];
    struct verify_found *f = &j->found;
    if (j->what == VERIFY_WHOLE)
        take_whole(v, t, j);
    /* More than this are not kept, but said: the next run finds them again. */
    size_t keys = v->nkeys >= KEEP_KEYS ? 0 : f->nkeys;
    if (!f->moving)
        add_found(t, j);
    t->unsettled += (int64_t)(f->nkeys - keys);
    v->nkeys += (int64_t)keys - (int64_t)f->ndropped;
    v->network += f->network;
    v->dropped += f->ndropped;
    take_standing(&v->course[j->index], f->stands);
    const struct verify_step step = {
        .range = j->what == VERIFY_KEYS || f->moving ? -1 : j->range.number,
        .keys = f->keys,
        .nkeys = keys,
        .dropped = f->dropped,
        .ndropped = f->ndropped,
        .repaired = f->settled,
        .nrepaired = f->nsettled,
        .differences = f->differences,
        .ndifferences = f->ndifferences,
    };
    fault_point("verify.before_save");
    return state_verify_step(v->o->state, v->run, t, &step, e);
}

/* ---- jobs ---- */

static void clear_found(struct verify_job *j)
{
    free(j->found.keys);
    free(j->found.differences);
    j->found = (struct verify_found){0};
}

static void destroy(struct verify_job *j)
{
    clear_found(j);
    arena_free(j->mem);
    free(j);
}

static void job_free(struct verification *v, struct verify_job *j)
{
    if (j->previous != NULL)
        j->previous->next = j->next;
    else
        v->jobs = j->next;
    if (j->next != NULL)
        j->next->previous = j->previous;
    destroy(j);
}

struct verify_job *verify_job_new(struct verification *v, enum verify_what what, size_t index)
{
    struct verify_job *j = xcalloc(1, sizeof *j);
    j->job.run = verify_job_run;
    j->mem = arena_new();
    j->world = &v->world;
    j->what = what;
    j->index = index;
    j->next = v->jobs;
    if (v->jobs != NULL)
        v->jobs->previous = j;
    v->jobs = j;
    return j;
}

bool verify_give_up(struct verification *v, size_t index, const struct err *why, struct err *e)
{
    struct verify_table *t = &v->tables[index];
    if (why->kind != ERR_SQL || (err_is_transient(why) && !err_is(why, "55P03"))) {
        *e = *why;
        return false;
    }
    log_err(LOG_WARN, why);
    set_text(&t->state, "failed");
    set_text(&t->reason, why->text);
    return state_verify_table(v->o->state, v->run, t, e);
}

static bool take_back(struct verification *v, struct verify_job *j, struct err *e)
{
    const struct err *why = &j->job.err;
    v->in_flight--;
    if (j->job.ok) {
        bool ok = save_found(v, j, e);
        v->bytes_done += ok && j->what != VERIFY_KEYS ? j->bytes : 0;
        job_free(v, j);
        return ok;
    }
    const uint64_t now = clock_ms();
    if (j->tries == 0)
        j->failed_ms = now;
    /* Each try at a server that is silent takes as long as patience lasts. */
    bool late = now - j->failed_ms > 2 * (uint64_t)pg_patience_ms();
    if (err_is_transient(why) && !late && j->tries++ < TRIES) {
        if (!interrupt_rest(v->o->interrupt, backoff_next_ms(&v->backoff))) {
            job_free(v, j);
            return err_set(e, ERR_STOPPED, "interrupted");
        }
        clear_found(j);
        verify_submit(v, j);
        return true;
    }
    bool ok = verify_give_up(v, j->index, why, e);
    job_free(v, j);
    return ok;
}

void verify_submit(struct verification *v, struct verify_job *j)
{
    v->in_flight++;
    pool_submit(v->pool, &j->job);
}

static void show(struct verification *v)
{
    if (v->o->progress == NULL || clock_ms() - v->shown_at < SHOW_EVERY_MS)
        return;
    v->shown_at = clock_ms();
    double seconds = (double)(clock_ms() - v->began_ms) / 1000;
    int64_t now = v->bytes_done - v->bytes_before;
    struct verify_progress p = {
        .bytes_done = v->bytes_done, .bytes_total = v->bytes_total, .keys = v->nkeys, .eta_seconds = -1};
    for (size_t i = 0; i < v->world.relations.count; i++) {
        p.rows += v->tables[i].rows;
        p.differences += v->tables[i].missing + v->tables[i].extra + v->tables[i].different;
    }
    p.rate = seconds > 0 ? (double)now / seconds : 0;
    if (p.rate > 0 && v->bytes_total > v->bytes_done)
        p.eta_seconds = (double)(v->bytes_total - v->bytes_done) / p.rate;
    v->o->progress(v->o->arg, &p);
}

/* Takes what came within the time, and shows where it is. */
static bool turn(struct verification *v, int ms, struct err *e)
{
    const struct interrupt *i = v->o->interrupt;
    struct pollfd fds[] = {{.fd = v->wake_fd, .events = POLLIN},
                           {.fd = i != NULL ? interrupt_fd(i) : -1, .events = POLLIN}};
    uint64_t n;
    poll(fds, 2, ms);
    if (interrupt_level(i) != INTERRUPT_NONE)
        return err_set(e, ERR_STOPPED, "interrupted");
    if (fds[0].revents != 0 && read(v->wake_fd, &n, sizeof n) < 0)
        return err_set(e, ERR_OS, "eventfd: read failed");
    for (struct job *job = pool_take(v->pool); job != NULL; job = pool_take(v->pool))
        if (!take_back(v, (struct verify_job *)job, e))
            return false;
    show(v);
    return true;
}

bool verify_wait(struct verification *v, int at_most, struct err *e)
{
    while (v->in_flight > at_most)
        if (!turn(v, SHOW_EVERY_MS, e))
            return false;
    return true;
}

bool verify_rest(struct verification *v, unsigned ms, struct err *e)
{
    uint64_t until = clock_ms() + ms;
    for (uint64_t now; (now = clock_ms()) < until;)
        if (!turn(v, until - now < SHOW_EVERY_MS ? (int)(until - now) : SHOW_EVERY_MS, e))
            return false;
    return true;
}

bool verify_pace(struct verification *v, struct err *e)
{
    for (uint64_t us; (us = bucket_wait_us(&v->bucket, v->ticket, clock_us())) != 0;)
        if (!turn(v, us / 1000 < SHOW_EVERY_MS ? (int)(us / 1000) + 1 : SHOW_EVERY_MS, e))
            return false;
    return true;
}

/* ---- the pool ---- */

static void wake(void *arg)
{
    const struct verification *v = arg;
    const uint64_t one = 1;
    if (write(v->wake_fd, &one, sizeof one) < 0)
        abort(); /* an eventfd of ours cannot be full */
}

static bool start_pool(struct verification *v, struct err *e)
{
    v->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (v->wake_fd < 0)
        return err_set(e, ERR_OS, "eventfd failed");
    v->pool = pool_start(&(struct pool_options){
        .workers = v->o->jobs,
        .source_spec = v->o->sync->source,
        .target_spec = v->o->sync->target,
        .source = {.side = SIDE_SOURCE,
                   .purpose = "verify",
                   .search_path = v->world.capture.search_path,
                   .lock_timeout_ms = VERIFY_SOURCE_LOCK_MS},
        .target = {.side = SIDE_TARGET,
                   .purpose = "verify",
                   .search_path = v->world.capture.search_path,
                   .lock_timeout_ms = TARGET_LOCK_MS},
        .wake = wake,
        .arg = v,
    });
    return true;
}

static void stop_pool(struct verification *v)
{
    if (v->pool == NULL)
        return;
    pool_free(v->pool);
    for (struct verify_job *j = v->jobs, *next; j != NULL; j = next) {
        next = j->next;
        destroy(j);
    }
    close(v->wake_fd);
}

/* ---- the end ---- */

/* What is left to look at is unsettled, but for differences, which are told as what they are. */
static bool close_tables(struct verification *v, struct err *e)
{
    for (size_t i = 0; i < v->world.relations.count; i++) {
        struct verify_table *t = &v->tables[i];
        int64_t keys, last;
        if (strcmp(t->state, "comparing") != 0)
            continue;
        if (!state_verify_key_count(v->o->state, v->run, t->id, &keys, &last, e))
            return false;
        t->unsettled += keys;
        if (v->course[i].moving) {
            set_text(&t->state, "skipped");
            set_text(&t->reason, "it has no key, and was written to each time it was looked at");
        } else {
            set_text(&t->state, "compared");
        }
        if (!state_verify_table(v->o->state, v->run, t, e))
            return false;
    }
    return true;
}

static const char *result_of(const struct verification *v, const struct verify_report *r)
{
    struct verify_sums s = verify_report_sums(r);
    if (s.missing + s.extra + s.different + (int64_t)s.sequences > s.repaired)
        return "differences";
    /* Under writers a row that changes all the time is no fault; what nobody brings stays owed. */
    bool owed = v->behind != 0 || (v->settled == VERIFY_NO_ENGINE && s.unsettled != 0);
    for (size_t i = 0; i < v->world.relations.count; i++)
        owed = owed || (v->course[i].stuck && v->tables[i].unsettled != 0);
    return s.failed + s.skipped != 0 || owed ? "incomplete" : "equal";
}

/* What is owed and not brought says nothing; a row that moved at each look is brought by the engine like any other. */
static bool is_equal(const struct verification *v, size_t i)
{
    const struct verify_table *t = &v->tables[i];
    bool owed = t->unsettled != 0 && (v->settled != VERIFY_BROUGHT || v->course[i].stuck);
    return strcmp(t->state, "compared") == 0 && t->left_out == 0 && !owed &&
           t->missing + t->extra + t->different == t->repaired;
}

/* Tables that were in doubt when the run began, and are equal now. */
static bool settle_doubts(struct verification *v, struct err *e)
{
    bool any = false;
    for (size_t i = 0; i < v->world.relations.count; i++) {
        if (v->course[i].doubt == 0 || !is_equal(v, i))
            continue;
        if (!conn_usable(v->target) && !verify_connect_target(v, e))
            return false;
        if (!target_doubt_settled(v->target, v->world.schema, v->tables[i].id, v->course[i].doubt, e))
            return false;
        any = true;
    }
    if (any) /* the engine looks at what became of it */
        v->o->settle(v->o->arg);
    return true;
}

static bool finish(struct verification *v, struct err *e)
{
    struct verify_report r;
    bool found;
    if (!close_tables(v, e) || !state_verify_load(v->o->state, v->run, &r, &found, e))
        return false;
    r.seconds = (double)(clock_ms() - v->began_ms) / 1000;
    r.network = v->network;
    bool ok = state_verify_end(v->o->state, &r, result_of(v, &r), e);
    verify_report_free(&r);
    return ok && settle_doubts(v, e);
}

static bool compare(struct verification *v, struct err *e)
{
    return start_pool(v, e) && verify_ranges(v, e) && verify_rounds(v, e) && verify_sequences(v, e) &&
           finish(v, e);
}

bool verify_run(const struct verify_options *o, int64_t *run, struct err *e)
{
    struct verification v = {
        .o = o, .mem = arena_new(), .began_ms = clock_ms(), .backoff = {.base_ms = 50, .max_ms = 2000}};
    bucket_set(&v.bucket, o->max_rate, clock_us());
    bool ok = verify_open(&v, e);
    fault_point("verify.opened");
    ok = ok && compare(&v, e);
    *run = v.run;
    stop_pool(&v);
    for (size_t i = 0; v.tables != NULL && i < v.world.relations.count; i++) {
        verify_table_free(&v.tables[i]);
        free(v.course[i].stands);
        free(v.course[i].stood);
    }
    free(v.tables);
    free(v.course);
    conn_close(v.source);
    conn_close(v.target);
    arena_free(v.mem);
    if (!ok && v.run != 0)
        err_hint(e, "repl verify goes on where this one ended");
    return ok;
}
