/*
 * The status while no engine runs. The state file says what the engine last knew; the target says where it stands
 * and which tables are there, the source what is owed since. A server that cannot be asked in time costs those
 * figures and is named among the errors, it does not fail the status: that is wanted most when something is down.
 */
#include "repl/engine.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobs.h"
#include "repl/clock.h"
#include "repl/mem.h"

/* Errors shown, and the count of owed rows above which a table is not counted further. */
enum { ERRORS = 10, OWED_CAP = 1000000 };

/* ---- a deadline: a thread that raises the interrupt of the connections ---- */

struct deadline {
    struct interrupt *late, *done;
    unsigned ms;
    pthread_t thread;
};

static void *watch(void *arg)
{
    struct deadline *d = arg;
    struct pollfd fd = {.fd = interrupt_fd(d->done), .events = POLLIN};
    if (poll(&fd, 1, (int)d->ms) == 0)
        interrupt_raise(d->late, INTERRUPT_NOW);
    return NULL;
}

static void deadline_start(struct deadline *d, unsigned ms)
{
    *d = (struct deadline){.late = interrupt_new(), .done = interrupt_new(), .ms = ms};
    if (pthread_create(&d->thread, NULL, watch, d) != 0)
        abort(); /* no thread for a process that has one */
}

static void deadline_end(struct deadline *d)
{
    interrupt_raise(d->done, INTERRUPT_NOW);
    pthread_join(d->thread, NULL);
    interrupt_free(d->late);
    interrupt_free(d->done);
}

/* ---- what the servers say ---- */

struct asking {
    const struct sync *s;
    struct deadline deadline;
    struct arena *arena;
    struct target_state target; /* exists is false where it could not be asked */
    bool ready;                 /* an init has come to its end; else the first error says why not */
    struct status *out;
};

static bool open_side(struct asking *a, enum side side, struct conn **out, struct err *e)
{
    const struct conn_options o = {.side = side,
                                   .purpose = "status",
                                   .lock_timeout_ms = a->deadline.ms,
                                   .statement_timeout_ms = a->deadline.ms,
                                   .interrupt = a->deadline.late};
    return conn_open(side == SIDE_SOURCE ? a->s->source : a->s->target, &o, out, e);
}

/* The newest error of the status is that a server was not to be had. */
static void tell(struct asking *a, const struct err *e, char *message)
{
    struct status *s = a->out;
    char at[32];
    s->errors = xrealloc(s->errors, (s->nerrors + 1) * sizeof *s->errors);
    memmove(s->errors + 1, s->errors, s->nerrors * sizeof *s->errors);
    s->nerrors++;
    s->errors[0] = (struct status_error){.at = xstrdup(clock_iso(at, sizeof at, clock_wall())),
                                         .message = message,
                                         .hint = e->hint[0] != '\0' ? xstrdup(e->hint) : NULL};
}

static void tell_failure(struct asking *a, enum side side, const struct err *e)
{
    const char *why = e->kind == ERR_STOPPED ? "no answer in time" : e->text;
    struct status_side *shown = (side == SIDE_SOURCE) != side_is_turned() ? &a->out->source : &a->out->target;
    free(shown->error);
    shown->error = xstrdup(why);
    tell(a, e, xasprintf("the %s could not be asked: %s", side_name(side), why));
}

/* Found by an engine or a repair before; whether there is another one, the next of them finds. */
static void tell_doubt(struct asking *a)
{
    struct status *s = a->out;
    s->doubt.tables = (int)target_in_doubt(&a->target);
    if (s->doubt.tables == 0)
        return;
    s->doubt.since = xstrdup(a->target.doubt_at);
    s->doubt.reason = xstrdup(a->target.doubt_reason);
    s->errors = xrealloc(s->errors, (s->nerrors + 1) * sizeof *s->errors);
    memmove(s->errors + 1, s->errors, s->nerrors * sizeof *s->errors);
    s->nerrors++;
    s->errors[0] = (struct status_error){.at = xstrdup(a->target.doubt_at),
                                         .message = xstrdup(a->target.doubt_reason),
                                         .hint = xstrdup("repl verify --repair")};
}

static bool ask_target(struct asking *a)
{
    struct err e = {0};
    struct conn *db;
    if (!open_side(a, SIDE_TARGET, &db, &e)) {
        tell_failure(a, SIDE_TARGET, &e);
        return false;
    }
    bool ok = target_read(db, a->s->schema, a->arena, &a->target, &e);
    conn_close(db);
    if (!ok)
        tell_failure(a, SIDE_TARGET, &e);
    return ok;
}

/* One whose lease is over is as good as aborted: whoever writes next goes through. */
static void keep_cutover(struct status *s, const struct cutover_now *now)
{
    const char *why = now->lapsed ? "its lease was over" : now->why;
    s->cutover.state = xstrdup(cutover_state_name(now->lapsed ? CUTOVER_ABORTED : now->state));
    s->cutover.since = now->since[0] != '\0' ? xstrdup(now->since) : NULL;
    s->cutover.why = why[0] != '\0' ? xstrdup(why) : NULL;
}

/* Where the source cannot be asked: what the command wrote down when the switch was through. */
static void recall_cutover(struct state *st, struct status *out)
{
    struct err ignored; /* it is a copy at best */
    char *at = NULL;
    if (state_get(st, "cutover_at", &at, &ignored) && at != NULL) {
        out->cutover.state = xstrdup(cutover_state_name(CUTOVER_COMPLETE));
        out->cutover.since = xstrdup(at);
    }
    free(at);
}

static bool ask_source(struct asking *a, struct owed_list *owed)
{
    struct err e = {0};
    struct conn *db;
    if (!open_side(a, SIDE_SOURCE, &db, &e)) {
        tell_failure(a, SIDE_SOURCE, &e);
        return false;
    }
    struct capture c = {.schema = a->s->schema};
    const struct positions p = target_positions(&a->target, a->arena);
    struct cutover_now now;
    bool ok = capture_find(db, &c, &e) && fence_read(db, &c, a->arena, &now, &e);
    if (ok && a->out->phase != PHASE_FAILED)
        a->out->phase = now.closed ? PHASE_FENCED : PHASE_STOPPED;
    if (ok)
        keep_cutover(a->out, &now);
    if (ok && !sync_is_whole(a->s, &c, &a->target, &e)) {
        tell(a, &e, xstrdup(e.text));
        a->ready = false;
        conn_close(db);
        return false;
    }
    a->ready = a->ready || ok;
    ok = ok && capture_backlog(db, &c, &p, OWED_CAP, a->arena, owed, &e);
    conn_close(db);
    if (!ok)
        tell_failure(a, SIDE_SOURCE, &e);
    return ok;
}

/* ---- what that makes of the status ---- */

/* Both lists are in the same order nearly always: looks from the place after the last hit on, and around. */
static struct status_table *find_table(struct status *s, const char *schema, const char *name, size_t *from)
{
    for (size_t i = 0; i < s->ntables; i++) {
        size_t at = (*from + i) % s->ntables;
        if (strcmp(s->tables[at].name, name) == 0 && strcmp(s->tables[at].schema, schema) == 0) {
            *from = at + 1;
            return &s->tables[at];
        }
    }
    return NULL;
}

static struct status_table *add_table(struct status *s, const struct target_relation *r)
{
    s->tables = xrealloc(s->tables, (s->ntables + 1) * sizeof *s->tables);
    struct status_table *t = &s->tables[s->ntables++];
    *t = (struct status_table){.schema = xstrdup(r->schema),
                               .name = xstrdup(r->name),
                               .rate_bytes_per_second = -1,
                               .eta_seconds = -1,
                               .owed_rows = -1};
    return t;
}

/* How far the copy of a table is, where the state file does not know. */
static void count_copied(const struct target_state *ts, struct status_table *t)
{
    for (size_t i = 0; i < ts->nheaps; i++)
        if (ts->heaps[i].relation == t->id)
            t->bytes_total += ts->heaps[i].bytes;
    for (size_t i = 0; i < ts->nchunks; i++) {
        if (ts->chunks[i].relation == t->id) {
            t->bytes_copied += ts->chunks[i].bytes;
            t->rows_copied += ts->chunks[i].rows;
        }
    }
}

/* A table's own trouble stays; else the target knows better than what was saved last. */
static const char *table_phase(const struct status_table *t, bool copied)
{
    const char *p = t->phase != NULL ? t->phase : "";
    if (strcmp(p, "paused") == 0 || strcmp(p, "failed") == 0)
        return p;
    if (!copied)
        return t->rows_copied > 0 || strcmp(p, "copying") == 0 ? "copying" : "planned";
    return *p == '\0' || strcmp(p, "planned") == 0 || strcmp(p, "copying") == 0 ? "copied" : p;
}

/* Returns whether every table stands at the sync's position. */
static bool merge_tables(struct asking *a)
{
    struct status *s = a->out;
    bool together = true, sums = s->copy.bytes_total == 0;
    size_t from = 0;
    for (size_t i = 0; i < a->target.nrelations; i++) {
        const struct target_relation *r = &a->target.relations[i];
        struct status_table *t = find_table(s, r->schema, r->name, &from);
        bool known = t != NULL;
        if (!known)
            t = add_table(s, r);
        t->id = r->id;
        if (!known)
            count_copied(&a->target, t);
        const char *phase = table_phase(t, r->copied);
        if (t->phase != phase) {
            char *copy = xstrdup(phase);
            free(t->phase);
            t->phase = copy;
        }
        if (sums) {
            s->copy.bytes_total += t->bytes_total;
            s->copy.bytes_done += t->bytes_copied;
            s->copy.rows_done += t->rows_copied;
        }
        together = together && r->copied && r->snapshot == NULL;
    }
    return together;
}

static void count_owed(struct status *s, const struct owed_list *owed)
{
    s->owed_rows = 0;
    for (size_t i = 0; i < s->ntables; i++) {
        s->tables[i].owed_rows = 0;
        for (size_t k = 0; k < owed->count; k++)
            if (owed->items[k].id == s->tables[i].id)
                s->tables[i].owed_rows = owed->items[k].rows + owed->items[k].truncated;
        s->owed_rows += s->tables[i].owed_rows;
    }
}

/* What is owed was committed after the last batch was, so that is how far behind the target can be. */
static double lag_since(const char *applied_at)
{
    struct tm tm = {0};
    if (strptime(applied_at, "%Y-%m-%dT%H:%M:%S", &tm) == NULL &&
        strptime(applied_at, "%Y-%m-%d %H:%M:%S", &tm) == NULL)
        return -1;
    double lag = clock_wall() - (double)timegm(&tm);
    return lag > 0 ? lag : 0;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = with != NULL ? xstrdup(with) : NULL;
}

/* The figures are the servers', as they are now. */
static void learned(struct status *s)
{
    char at[32];
    replace(&s->known_at, clock_iso(at, sizeof at, clock_wall()));
}

/* What no server said is not known; it was when the engine last learned it. */
static double age(const char *known_at)
{
    struct tm tm = {0};
    if (known_at == NULL || strptime(known_at, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return 0;
    double seconds = clock_wall() - (double)timegm(&tm);
    return seconds > 0 ? seconds : 0;
}

/* *ready: as the state file remembers it; the source knows better. */
static void ask_servers(const struct sync *s, unsigned timeout_ms, struct status *out, bool *ready)
{
    struct asking a = {.s = s, .arena = arena_new(), .out = out, .ready = *ready};
    struct owed_list owed;
    deadline_start(&a.deadline, timeout_ms);
    out->consistent_unknown = out->consistent;
    if (ask_target(&a)) {
        out->consistent_unknown = false;
        bool together = merge_tables(&a);
        bool placed = a.target.snapshot != NULL && a.target.snapshot[0] != '\0';
        out->consistent = together && placed && target_in_doubt(&a.target) == 0;
        tell_doubt(&a);
        replace(&out->position, placed ? a.target.snapshot : NULL);
        if (out->last_batch.at == NULL && a.target.applied_at != NULL && a.target.applied_at[0] != '\0')
            out->last_batch.at = xstrdup(a.target.applied_at);
        if (ask_source(&a, &owed)) {
            count_owed(out, &owed);
            learned(out);
            if (together && placed)
                out->lag_seconds = out->owed_rows == 0 ? 0 : lag_since(a.target.applied_at);
        }
    }
    deadline_end(&a.deadline);
    *ready = a.ready;
    arena_free(a.arena);
}

/* "repl -D DIR VERB" of this sync. */
static char *command(struct arena *a, const struct sync *s, const char *verb)
{
    bool elsewhere = strcmp(s->dir, "./.repl") != 0;
    return arena_printf(a, "repl %s%s%s%s", elsewhere ? "-D " : "", elsewhere ? s->dir : "",
                        elsewhere ? " " : "", verb);
}

/* turns: there is a way back (docs/fallback.md), so the fence is that of a switch which has not ended. */
static char *what_next(const struct sync *s, const struct status *st, bool turns)
{
    struct arena *a = arena_new();
    const char *start = command(a, s, "start --detach");
    char *next, *fence;
    if (st->phase == PHASE_FAILED && st->nerrors != 0 && st->errors[0].hint != NULL) {
        next = xasprintf("%s; then %s", st->errors[0].hint, start);
    } else if (st->phase == PHASE_FENCED) {
        fence = fence_next(st->cutover.state, st->cutover.since, st->back, turns || st->back);
        next = turns || st->back ? xasprintf("%s, then: %s", start, fence) : xstrdup(fence);
        free(fence);
    } else {
        next = xstrdup(start);
    }
    arena_free(a);
    return next;
}

/* What the source said has the hint; where it was not asked, nobody knows more than that init did not end. */
static char *init_next(const struct sync *s, const struct status *st)
{
    struct arena *a = arena_new();
    const char *hint = st->nerrors != 0 && st->errors[0].hint != NULL ? st->errors[0].hint : "";
    char *next = strstr(hint, "repl init") != NULL
                     ? xstrdup(hint)
                     : xasprintf("%s: it has not finished", command(a, s, "init"));
    arena_free(a);
    return next;
}

bool status_offline(const struct sync *s, struct state *st, unsigned timeout_ms, struct status *out,
                    struct err *e)
{
    if (!state_load_status(st, out, e))
        return false;
    char *way = NULL, *known = NULL;
    if (!state_load_errors(st, ERRORS, out, e) || !state_load_timings(st, out, e) ||
        !state_get(st, "way", &way, e) || !state_get(st, "ready", &known, e)) {
        free(way);
        status_free(out);
        return false;
    }
    if (out->phase != PHASE_FAILED && out->phase != PHASE_FENCED)
        out->phase = PHASE_STOPPED;
    out->engine.running = false;
    out->engine.pid = 0;
    replace(&out->engine.since, NULL);
    out->reached = out->phase;
    out->back = s->back;
    out->workers.running = out->workers.busy = 0;
    out->workers.wanted = s->jobs;
    out->workers.max_rate = s->max_rate;
    out->lag_seconds = -1;
    out->owed_rows = -1;
    out->copy.rate_bytes_per_second = -1;
    out->copy.eta_seconds = -1;
    out->catch_up.rate_rows_per_second = -1;
    out->catch_up.eta_seconds = -1;
    out->copy.from = sync_fork(s) != NULL ? dsn_safe(sync_fork(s)) : NULL;
    replace(&out->note, NULL);
    bool ready = known != NULL;
    free(known);
    ask_servers(s, timeout_ms, out, &ready);
    if (out->cutover.state == NULL && out->phase == PHASE_FENCED)
        recall_cutover(st, out);
    out->consistent = out->consistent && !out->consistent_unknown;
    out->unknown_seconds = out->owed_rows < 0 ? age(out->known_at) : 0;
    out->state = out->phase == PHASE_FAILED ? STATE_FAILED : out->nerrors != 0 ? STATE_DEGRADED : STATE_OK;
    free(out->next);
    out->next = ready ? what_next(s, out, way != NULL) : init_next(s, out);
    free(way);
    return true;
}
