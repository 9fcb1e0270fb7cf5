/*
 * repl init: preflight, schema, capture, plan. Each step looks at what is there, so that an init which was killed,
 * or one that finds the installation of a lost state directory, goes on from where things stand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "dump.h"
#include "fork.h"
#include "pg_dump.h"
#include "preflight.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/units.h"
#include "seed.h"
#include "sequences.h"

/* No application statement waits for CREATE TRIGGER longer than this; in all init waits for a table that long. */
enum { LOCK_MS = 300, GIVE_UP_MS = 600000, ADD_GIVE_UP_MS = 60000, SAY_EVERY_MS = 2000 };

struct init {
    const struct sync *s;
    struct state *st;
    say_fn say;
    void *arg;
    struct arena *a;
    struct conn *source, *target;
    struct pg_dump *ahead; /* of the schema; NULL: not begun */
    struct capture capture;
    struct relations tables; /* the selected ones, as the source has them */
    struct target_state state;
    struct init_report *report;
    uint64_t said_at; /* when a wait was last told */
    unsigned give_up_ms;
    const struct interrupt *interrupt; /* or NULL */
};

static bool connect_both(struct init *in, struct err *e)
{
    return sync_connect(in->s, SIDE_SOURCE, "init", &in->source, e) &&
           sync_connect(in->s, SIDE_TARGET, "init", &in->target, e);
}

/* Of a first init, which will need it. */
static bool begin_dump(struct init *in, struct err *e)
{
    char *known = NULL;
    if (!state_get(in->st, "source", &known, e))
        return false;
    if (known == NULL && !in->s->seeded)
        in->ahead = dump_ahead(in->s, in->source, conn_server_version(in->target));
    free(known);
    return true;
}

/* What nobody waits for any more, and what it wrote. */
static void end_dump(struct init *in)
{
    if (in->ahead == NULL)
        return;
    pg_dump_free(in->ahead);
    in->ahead = NULL;
    dump_remove_unfinished(in->s->dir);
}

/* Blockers end it; warnings are told. */
static bool pass_preflight(struct init *in, struct err *e)
{
    struct preflight p;
    preflight_run(in->s, in->source, in->target, in->a, &p);
    for (enum finding_level level = FINDING_WARNING; level <= FINDING_BLOCKER; level++) {
        struct finding_group *groups;
        size_t n;
        findings_group(&p.found, level, in->a, &groups, &n);
        for (size_t i = 0; i < n; i++)
            in->say(in->arg, finding_line(&groups[i], in->a));
    }
    return findings_pass(&p.found, e);
}

static bool install_source(struct init *in, struct err *e)
{
    in->capture = (struct capture){.schema = in->s->schema};
    if (!capture_find(in->source, &in->capture, e))
        return false;
    in->report->adopted = in->capture.sync_id[0] != '\0';
    return capture_install_schema(in->source, &in->capture, e) &&
           capture_note_history(in->source, &in->capture, e);
}

/* Both sides get the same sync id. What is there is adopted; that both agree was seen by preflight. */
static bool install_both(struct init *in, struct err *e)
{
    if (!install_source(in, e))
        return false;
    fault_point("init.between_sides");
    return target_install(in->target, in->s->schema, in->capture.sync_id, e) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e);
}

static bool read_tables(struct init *in, struct err *e)
{
    if (!catalog_read(in->source, in->s->schema, in->a, &in->tables, e))
        return false;
    selection_apply(&in->s->selection, &in->tables);
    return true;
}

/* ---- the schema ---- */

static bool step_done(const struct target_state *state, const char *step)
{
    for (size_t i = 0; i < state->steps.count; i++)
        if (strcmp(state->steps.items[i], step) == 0)
            return true;
    return false;
}

static size_t count_missing(const struct init *in, const struct relations *there)
{
    size_t n = 0;
    for (size_t i = 0; i < in->tables.count; i++)
        n += relations_find(there, in->tables.items[i].schema, in->tables.items[i].name) == NULL;
    return n;
}

static bool compare_tables(struct init *in, const struct relations *there, struct err *e)
{
    for (size_t i = 0; i < in->tables.count; i++) {
        struct relation *r = &in->tables.items[i];
        const struct relation *t = relations_find(there, r->schema, r->name);
        if (t == NULL) {
            err_set(e, ERR_CONFIG, "the target has no such table, though its schema was restored");
            err_hint(e, "something else of that name may stand there: look with \\d %s on the target",
                     r->sql);
            return err_table(e, r->schema, r->name);
        }
        if (!catalog_compatible(r, t, e))
            return false;
    }
    return true;
}

/* The archive is made anew: an old one does not know new tables. */
static bool bring_schema(struct init *in, struct err *e)
{
    struct relations there;
    if (!catalog_read(in->target, in->s->schema, in->a, &there, e))
        return false;
    size_t missing = count_missing(in, &there);
    if (!in->s->no_schema && (missing > 0 || !step_done(&in->state, "schema"))) {
        const struct units_wanted w = {.s = in->s,
                                       .source = in->source,
                                       .target = in->target,
                                       .ahead = in->ahead,
                                       .i = in->interrupt,
                                       .say = in->say,
                                       .arg = in->arg};
        if (in->ahead == NULL)
            dump_remove(in->s->dir);
        if (!schema_pre_data(&w, e) || !catalog_read(in->target, in->s->schema, in->a, &there, e))
            return false;
    }
    return compare_tables(in, &there, e) && target_step_done(in->target, in->s->schema, "schema", e);
}

/* ---- rows that are in the way ---- */

static bool truncate_all(struct conn *target, const struct relation *const *tables, size_t n, struct err *e)
{
    struct buf sql = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%s %s", i == 0 ? "TRUNCATE" : ",", tables[i]->sql);
    bool ok = pg_exec(target, sql.data, e);
    buf_free(&sql);
    return ok;
}

static bool refuse_truncate(struct err *e)
{
    if (!err_is(e, "0A000"))
        return err_context(e, "emptying the target's tables");
    err_context(
        e, "emptying the target's tables (a foreign key of a table that is not to be emptied points there)");
    e->kind = ERR_CONFIG;
    e->hint[0] = '\0'; /* PostgreSQL's own advises CASCADE, which would empty that table too */
    return err_hint(
        e, "empty or drop that table on the target yourself, drop its foreign key, or replicate it too");
}

/* Those that hold rows; with the other new ones where foreign keys among them ask for it, which are empty. */
static bool empty_tables(struct init *in, struct err *e)
{
    size_t n = 0, full;
    const struct relation **new = arena_alloc(in->a, (in->tables.count + 1) * sizeof(struct relation *));
    const struct relation **rows = arena_alloc(in->a, (in->tables.count + 1) * sizeof(struct relation *));
    for (size_t i = 0; i < in->tables.count; i++)
        if (!target_began(&in->state, &in->tables.items[i]))
            new[n++] = &in->tables.items[i];
    if (!tables_with_rows(in->target, new, n, rows, &full, e))
        return false;
    if (full == 0)
        return true;
    for (size_t i = 0; i < full; i++)
        in->say(in->arg, arena_printf(in->a, "emptying %s on the target", rows[i]->label));
    if (truncate_all(in->target, rows, full, e) ||
        (err_is(e, "0A000") && truncate_all(in->target, new, n, e)))
        return true;
    return refuse_truncate(e);
}

/* ---- capture ---- */

static void say_waiting(void *arg, const struct relation *r, const char *blocker, unsigned ms)
{
    struct init *in = arg;
    uint64_t now = clock_ms();
    if (in->said_at != 0 && now - in->said_at < SAY_EVERY_MS)
        return;
    in->said_at = now;
    char *text = xasprintf("%s.%s is locked%s%s; trying again in %u ms", r->schema, r->name,
                           blocker[0] != '\0' ? " by " : "", blocker, ms);
    in->say(in->arg, text);
    free(text);
}

static void count_installed(void *arg, const struct relation *r)
{
    struct init *in = arg;
    (void)r;
    in->report->captured++;
}

/* The target first: what is killed in between is seen again. */
static bool forget_dropped(struct init *in, struct err *e)
{
    int *ids;
    size_t n;
    if (!capture_dropped(in->source, &in->capture, in->a, &ids, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < in->state.nrelations; k++)
            if (in->state.relations[k].id == ids[i])
                in->say(in->arg, arena_printf(in->a,
                                              "%s.%s is gone from the source and leaves the sync; on the "
                                              "target it stays",
                                              in->state.relations[k].schema, in->state.relations[k].name));
        if (!target_forget(in->target, in->s->schema, ids[i], e) ||
            !capture_forget(in->source, &in->capture, ids[i], e))
            return false;
    }
    return true;
}

/* Tables that join a sync whose rows are there already need the steps after the rows again. Before they join, so that
 * an init that is killed in between does it once more. */
static bool repeat_steps(struct init *in, struct err *e)
{
    bool joined = false;
    for (size_t i = 0; i < in->tables.count; i++)
        joined = joined || target_relation_of(&in->state, &in->tables.items[i]) == NULL;
    if (!joined)
        return true;
    char *sql =
        sql_fill(sql_ops_steps_again, (const struct sql_var[]){{"schema", in->s->schema}, {NULL, NULL}});
    bool ok = pg_exec(in->target, sql, e);
    free(sql);
    return ok;
}

static bool capture_tables(struct init *in, struct err *e)
{
    const struct capture_install_options o = {.lock_timeout_ms = LOCK_MS,
                                              .give_up_ms = in->give_up_ms,
                                              .waiting = say_waiting,
                                              .installed = count_installed,
                                              .arg = in};
    return capture_assign_ids(in->source, &in->capture, &in->tables, in->a, e) &&
           capture_install_tables(in->source, &in->capture, &in->tables, &o, e);
}

static bool install_capture(struct init *in, struct err *e)
{
    if (!capture_tables(in, e))
        return false;
    fault_point("init.captured");
    return repeat_steps(in, e) && target_add_relations(in->target, in->s->schema, &in->tables, e);
}

/* ---- where rows come from ---- */

/* Until the last step what was restored stands as it is, so an init that was killed finds it again. */
static bool take_seed(struct init *in, struct err *e)
{
    struct server_identity source;
    struct relations taken;
    enum seed_has *has;
    const struct capture_install_options o = {
        .lock_timeout_ms = LOCK_MS, .give_up_ms = GIVE_UP_MS, .waiting = say_waiting, .arg = in};
    if (!in->s->seeded)
        return true;
    in->capture = (struct capture){.schema = in->s->schema};
    if (!target_read(in->target, in->s->schema, in->a, &in->state, e) || in->state.exists)
        return in->state.exists;
    if (!capture_find(in->source, &in->capture, e) ||
        !lock_engine(in->target, in->capture.sync_id, NULL, e) || !read_tables(in, e) ||
        !capture_assign_ids(in->source, &in->capture, &in->tables, in->a, e) ||
        !seed_has(in->target, in->source, &in->capture, &in->tables, in->a, &has, e) ||
        !capture_remove_tables(in->target, in->s->schema, &o, e) || !catalog_identity(in->source, &source, e))
        return false;
    taken = seed_taken(&in->tables, has, in->a);
    fault_point("seed.before_swap");
    if (!target_seed(in->target, in->s->schema, in->capture.sync_id, &taken, &source, e))
        return err_context(e, "replacing the schema that was restored");
    in->say(in->arg,
            arena_printf(in->a,
                         "the rows of %zu tables are taken as they were restored; repl's triggers and "
                         "schema that came with them are gone from the target",
                         taken.count));
    return true;
}

static const char *origin_text(enum origin o)
{
    return o == ORIGIN_FORK ? "the fork" : "the source";
}

static bool set_origin(struct init *in, const struct relation *r, enum origin origin, struct err *e)
{
    const struct target_relation *t = target_relation_by_id(&in->state, r->id);
    if (t == NULL || t->copied || t->origin == origin)
        return true;
    if (target_began(&in->state, r))
        in->say(in->arg,
                arena_printf(in->a, "the copy of %s starts over, from %s", r->label, origin_text(origin)));
    return target_set_origin(in->target, in->s->schema, &in->state, r, origin, e);
}

/* Whoever leaves a fork before its end has taken rows from it that nobody vouches for. */
static bool leave_fork(struct init *in, struct err *e)
{
    if (in->s->copy_from == NULL || sync_fork(in->s) != NULL || !target_needs_fork(&in->state))
        return true;
    in->say(
        in->arg,
        "warning: whether somebody wrote to the fork is not looked at any more; compare the rows afterwards");
    return target_step_done(in->target, in->s->schema, STEP_FORK, e);
}

static bool choose_origins(struct init *in, struct err *e)
{
    struct conn *fork = NULL;
    enum copy_has *has = NULL;
    if (!target_read(in->target, in->s->schema, in->a, &in->state, e))
        return false;
    bool given = sync_fork(in->s) != NULL && !target_follows(&in->state);
    bool ok = (!given || (sync_connect(in->s, SIDE_FORK, "init", &fork, e) &&
                          fork_has(fork, in->source, &in->capture, &in->tables, in->a, &has, e)));
    conn_close(fork);
    for (size_t i = 0; ok && given && i < in->tables.count; i++) {
        const struct target_relation *t = target_relation_by_id(&in->state, in->tables.items[i].id);
        in->report->from_fork += t != NULL && !t->copied && has[i] == COPY_GIVES;
    }
    /* Before the tables, so that an init that is killed in between leaves a fork that is still to be looked at. */
    ok = ok && (in->report->from_fork == 0 || target_step_undone(in->target, in->s->schema, STEP_FORK, e));
    for (size_t i = 0; ok && i < in->tables.count; i++)
        ok = set_origin(in, &in->tables.items[i], given && has[i] == COPY_GIVES ? ORIGIN_FORK : ORIGIN_SOURCE,
                        e);
    return ok && leave_fork(in, e);
}

/* ---- the plan ---- */

static void plan_table(const struct init *in, const struct relation *r, struct status_table *t)
{
    const struct target_relation *there = target_relation_of(&in->state, r);
    *t = (struct status_table){.id = r->id,
                               .schema = xstrdup(r->schema),
                               .name = xstrdup(r->name),
                               .phase = xstrdup(there != NULL && there->copied ? "copied" : "planned"),
                               .bytes_total = r->bytes,
                               .owed_rows = -1};
    for (size_t i = 0; i < in->state.nchunks; i++)
        if (in->state.chunks[i].relation == r->id) {
            t->rows_copied += in->state.chunks[i].rows;
            t->bytes_copied += in->state.chunks[i].bytes;
        }
}

static bool write_plan(struct init *in, struct err *e)
{
    struct status st = {
        .phase = PHASE_STOPPED, .lag_seconds = -1, .owed_rows = -1, .next = xstrdup("repl start")};
    st.copy.rate_bytes_per_second = st.copy.eta_seconds = -1;
    st.ntables = in->tables.count;
    st.tables = xcalloc(st.ntables + 1, sizeof *st.tables);
    for (size_t i = 0; i < st.ntables; i++) {
        plan_table(in, &in->tables.items[i], &st.tables[i]);
        st.copy.bytes_total += st.tables[i].bytes_total;
        st.copy.bytes_done += st.tables[i].bytes_copied;
        st.copy.rows_done += st.tables[i].rows_copied;
        in->report->without_key += in->tables.items[i].key_kind == KEY_NONE;
    }
    if (in->state.snapshot != NULL && in->state.snapshot[0] != '\0')
        st.position = xstrdup(in->state.snapshot);
    in->report->tables = st.ntables;
    in->report->bytes = st.copy.bytes_total - st.copy.bytes_done;
    bool ok = sync_save(in->s, in->st, e) && state_save_status(in->st, &st, e);
    status_free(&st);
    return ok;
}

/* ---- where the changes go back (docs/fallback.md) ---- */

static bool no_table_joins(struct err *e)
{
    err_set(e, ERR_CONFIG, "the changes go back from the target to the source: no table can join now");
    return err_hint(e, "repl cutover --back first");
}

/* Nothing is to be made then: the settings alone were lost. */
static bool adopt_way_back(struct init *in, const struct ways *w, struct err *e)
{
    struct target_state old;
    struct status st = {.phase = PHASE_STOPPED,
                        .lag_seconds = -1,
                        .owed_rows = -1,
                        .back = w->back,
                        .next = xstrdup("repl start")};
    st.copy.rate_bytes_per_second = st.copy.eta_seconds = -1;
    bool ok = target_read(in->source, in->s->twin, in->a, &old, e) && sync_save(in->s, in->st, e) &&
              ways_remember(in->st, w->back ? "back" : "forward", e) && state_save_status(in->st, &st, e);
    status_free(&st);
    in->report->adopted = true;
    in->report->tables = ok ? old.nrelations : 0;
    return ok;
}

/* *done: what the fences say leaves nothing for init to do. */
static bool look_at_way(struct init *in, bool *done, struct err *e)
{
    struct ways w;
    char *known = NULL, *way = NULL;
    bool ok = state_get(in->st, "source", &known, e) && state_get(in->st, "way", &way, e) &&
              ways_read(in->s, in->source, in->target, way, &w, e);
    *done = ok && (w.back || w.undecided);
    if (*done && known != NULL && w.back) {
        ok = no_table_joins(e);
    } else if (*done && known != NULL) {
        ok = err_set(e, ERR_CONFIG, "a switch has not ended");
        err_hint(e, "repl cutover --fallback, or repl cutover --abort");
    } else if (*done) {
        ok = adopt_way_back(in, &w, e);
    } else if (ok && w.prepared) {
        ok = ways_remember(in->st, "forward", e);
    }
    free(known);
    free(way);
    return ok;
}

/* An engine at work on this sync, started from wherever, keeps init out: what is read here must not move meanwhile. */
static bool prepare_both(struct init *in, struct err *e)
{
    return take_seed(in, e) && install_both(in, e) && lock_engine(in->target, in->capture.sync_id, NULL, e) &&
           read_tables(in, e) && bring_schema(in, e) &&
           sequences_begin(in->source, in->target, in->s->schema, e) &&
           (!in->s->overwrite || empty_tables(in, e)) && forget_dropped(in, e) && install_capture(in, e) &&
           choose_origins(in, e);
}

/* The copy to restore from must be made with capture in it; the target stays as it is until then. */
static bool prepare_source(struct init *in, struct err *e)
{
    in->report->seed_awaited = true;
    return install_source(in, e) && read_tables(in, e) && capture_tables(in, e);
}

/* The settings are saved as soon as something changes, so that cleanup finds both sides whatever happens next. */
static bool prepare(struct init *in, struct err *e)
{
    bool awaited;
    return begin_dump(in, e) && pass_preflight(in, e) && sync_save(in->s, in->st, e) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e) &&
           seed_awaited(in->s, in->target, &in->state, &awaited, e) &&
           (awaited ? prepare_source(in, e) : prepare_both(in, e)) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e) && write_plan(in, e);
}

static bool run(struct init *in, struct err *e)
{
    bool done;
    return connect_both(in, e) && look_at_way(in, &done, e) && (done || prepare(in, e));
}

bool init_run(const struct sync *s, struct state *st, say_fn say, void *arg, struct init_report *out,
              struct err *e)
{
    struct init in = {
        .s = s, .st = st, .say = say, .arg = arg, .a = arena_new(), .report = out, .give_up_ms = GIVE_UP_MS};
    *out = (struct init_report){0};
    bool ok = run(&in, e);
    end_dump(&in);
    conn_close(in.source);
    conn_close(in.target);
    arena_free(in.a);
    return ok;
}

/* ---- one more table ---- */

/* in->tables shrinks to the one table. */
static bool choose_table(struct init *in, const char *label, struct err *e)
{
    struct selection one = {.own_schema = in->s->schema};
    struct relation *found = NULL;
    for (size_t i = 0; i < in->tables.count; i++)
        if (strcmp(in->tables.items[i].label, label) == 0 ||
            (found == NULL && strcmp(in->tables.items[i].name, label) == 0))
            found = &in->tables.items[i];
    if (found == NULL) {
        struct err near = {0};
        strlist_add(&one.tables, label);
        bool ok = selection_check(&one, &in->tables, &near);
        strlist_free(&one.tables);
        err_set(e, ERR_CONFIG, "the source has no table %s", label);
        return err_hint(e, "%s", ok || near.hint[0] == '\0' ? "name it as schema.table" : near.hint);
    }
    in->tables = (struct relations){found, 1};
    if (target_relation_of(&in->state, found) == NULL)
        return true;
    err_set(e, ERR_CONFIG, "the table is in the sync already");
    err_table(e, found->schema, found->name);
    return err_hint(e, "repl status shows it");
}

static bool is_empty(struct init *in, struct err *e)
{
    const struct relation *new = &in->tables.items[0], **full = arena_alloc(in->a, sizeof *full);
    size_t n;
    if (!tables_with_rows(in->target, &new, 1, full, &n, e))
        return false;
    if (n == 0)
        return true;
    err_set(e, ERR_CONFIG, "the target's table holds rows already");
    err_table(e, new->schema, new->name);
    return err_hint(e, "empty it on the target (TRUNCATE %s), then: repl add %s", new->sql, new->label);
}

static bool schema_may_come(const struct init *in, bool made_by_others, struct err *e)
{
    const struct relation *r = &in->tables.items[0];
    struct relations there;
    if (!made_by_others && !in->s->no_schema)
        return true;
    if (!catalog_read(in->target, in->s->schema, in->a, &there, e))
        return false;
    if (relations_find(&there, r->schema, r->name) != NULL)
        return true;
    err_set(e, ERR_CONFIG, "the target has no such table");
    err_table(e, r->schema, r->name);
    return err_hint(e, "create it there as on the source, then: repl add %s", r->label);
}

static bool add(struct init *in, const char *label, const struct add_options *o, struct err *e)
{
    in->capture = (struct capture){.schema = in->s->schema};
    return connect_both(in, e) && capture_find(in->source, &in->capture, e) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e) &&
           (!o->lock || lock_engine(in->target, in->capture.sync_id, NULL, e)) &&
           catalog_read(in->source, in->s->schema, in->a, &in->tables, e) && choose_table(in, label, e) &&
           schema_may_come(in, o->only_if_there, e) && bring_schema(in, e) && is_empty(in, e) &&
           install_capture(in, e);
}

bool init_add(const struct sync *s, const char *label, const struct add_options *o, char **added,
              struct err *e)
{
    struct init_report report = {0};
    struct init in = {.s = s,
                      .say = o->say,
                      .arg = o->arg,
                      .a = arena_new(),
                      .report = &report,
                      .give_up_ms = ADD_GIVE_UP_MS,
                      .interrupt = o->interrupt};
    bool ok = !s->back || no_table_joins(e);
    ok = ok && add(&in, label, o, e);
    if (ok)
        *added = xstrdup(in.tables.items[0].label);
    conn_close(in.source);
    conn_close(in.target);
    arena_free(in.a);
    return ok;
}

bool sync_selects(struct sync *s, const char *label, struct state *st, struct err *e)
{
    if (s->selection.tables.count == 0)
        return true;
    strlist_add(&s->selection.tables, label);
    return sync_save(s, st, e);
}
