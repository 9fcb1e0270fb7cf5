/*
 * repl init: preflight, schema, capture, plan. Each step looks at what is there, so that an init which was killed,
 * or one that finds the installation of a lost state directory, goes on from where things stand.
 */
#include <stdlib.h>
#include <string.h>

#include "init_private.h"
#include "repl/check.h"
#include "repl/fault.h"
#include "repl/origin.h"
#include "repl/schema.h"
#include "repl/sequences.h"

/* Nobody who reads the target stands behind init for long, nor does init wait in silence. */
#define TARGET_PATIENCE "SET lock_timeout = '5s'"

bool init_connect(struct init *in, struct err *e)
{
    return sync_connect(in->s, SIDE_SOURCE, "init", &in->source, e) &&
           sync_connect(in->s, SIDE_TARGET, "init", &in->target, e) &&
           pg_exec(in->target, TARGET_PATIENCE, e);
}

/* Whoever waited in vain is told for whom. */
void init_blame(struct init *in, struct err *e)
{
    struct conn *c = strcmp(e->side, side_name(SIDE_TARGET)) == 0 ? in->target : in->source;
    if (!err_is(e, "55P03") || c == NULL)
        return;
    pg_reset(c);
    catalog_blame(c, e);
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

bool init_read_tables(struct init *in, struct err *e)
{
    if (!catalog_read(in->source, in->s->schema, in->a, &in->tables, e))
        return false;
    selection_apply(&in->s->selection, &in->tables);
    return capture_number(in->source, &in->capture, &in->tables, in->a, e);
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

/* An engine at work on this sync, started from wherever, keeps init out: what is read here must not move meanwhile. */
static bool prepare_both(struct init *in, struct err *e)
{
    return init_take_seed(in, e) && install_both(in, e) &&
           lock_engine(in->target, in->capture.sync_id, NULL, NULL, e) && init_read_tables(in, e) &&
           init_schema(in, e) && sequences_begin(in->source, in->target, in->s->schema, e) &&
           (!in->s->overwrite || init_empty(in, e)) && init_forget_dropped(in, e) && init_capture(in, e) &&
           init_choose_origins(in, e);
}

/* The copy to restore from must be made with capture in it; the target stays as it is until then. */
static bool prepare_source(struct init *in, struct err *e)
{
    in->report->seed_awaited = true;
    return install_source(in, e) && init_read_tables(in, e) && init_capture_source(in, e);
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
    return init_connect(in, e) && init_look_at_way(in, &done, e) && (done || prepare(in, e));
}

bool init_run(const struct sync *s, struct state *st, say_fn say, void *arg, struct init_report *out,
              struct err *e)
{
    struct init in = {.s = s,
                      .st = st,
                      .say = say,
                      .arg = arg,
                      .a = arena_new(),
                      .report = out,
                      .made_by_others = s->no_schema,
                      .give_up_ms = s->lock_wait_ms};
    *out = (struct init_report){0};
    bool ok = run(&in, e);
    if (!ok)
        init_blame(&in, e);
    end_dump(&in);
    conn_close(in.source);
    conn_close(in.target);
    arena_free(in.a);
    return ok;
}
