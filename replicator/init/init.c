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

/* Blockers end it: the first is the error, and so is named there; warnings are said. */
static bool pass_preflight(struct init *in, struct err *e)
{
    struct preflight p;
    size_t named = 0;
    preflight_run(in->s, in->source, in->target, in->a, &p);
    for (enum finding_level level = FINDING_WARNING; level <= FINDING_BLOCKER; level++) {
        struct finding_group *groups;
        size_t n;
        findings_group(&p.found, level, in->a, &groups, &n);
        for (size_t i = 0; i < n; i++)
            if (level != FINDING_BLOCKER || n > 1)
                in->say(in->arg, finding_line(&groups[i], in->a));
        named = level == FINDING_BLOCKER && n > 1 ? n : 0;
    }
    if (named == 0)
        return findings_pass(&p.found, e);
    err_set(e, ERR_CONFIG, "%zu blockers, listed above: nothing was changed", named);
    return err_hint(e, "fix them, then repl init again; repl check looks at them alone");
}

static bool install_source(struct init *in, struct err *e)
{
    in->capture = (struct capture){.schema = in->s->schema};
    if (!capture_find(in->source, &in->capture, e) || !init_same_source(in, e))
        return false;
    in->report->adopted = in->capture.sync_id[0] != '\0';
    if (!capture_install_schema(in->source, &in->capture, e) ||
        !state_set(in->st, "sync_id", in->capture.sync_id, e) ||
        !lock_engine(in->source, in->capture.sync_id, NULL, in->interrupt, e))
        return false;
    in->reached = REACHED_SOURCE;
    fault_point("init.source_made");
    return capture_note_history(in->source, &in->capture, e);
}

bool init_read_tables(struct init *in, struct err *e)
{
    if (!catalog_read(in->source, in->s->schema, in->a, &in->tables, e))
        return false;
    selection_apply(&in->s->selection, &in->tables);
    return capture_number(in->source, &in->capture, &in->tables, in->a, e);
}

/* ---- the plan ---- */

static int64_t to_copy(const struct status_table *t)
{
    return strcmp(t->phase, "copied") == 0 || t->bytes_copied > t->bytes_total
               ? 0
               : t->bytes_total - t->bytes_copied;
}

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
    in->report->copied = in->tables.count != 0;
    st.ntables = in->tables.count;
    st.tables = xcalloc(st.ntables + 1, sizeof *st.tables);
    for (size_t i = 0; i < st.ntables; i++) {
        plan_table(in, &in->tables.items[i], &st.tables[i]);
        st.copy.bytes_total += st.tables[i].bytes_total;
        st.copy.bytes_done += st.tables[i].bytes_copied;
        st.copy.rows_done += st.tables[i].rows_copied;
        in->report->without_key += in->tables.items[i].key_kind == KEY_NONE;
        in->report->bytes += to_copy(&st.tables[i]);
        in->report->copied = in->report->copied && strcmp(st.tables[i].phase, "copied") == 0;
    }
    if (in->state.snapshot != NULL && in->state.snapshot[0] != '\0')
        st.position = xstrdup(in->state.snapshot);
    in->report->tables = st.ntables;
    bool ok = sync_save(in->s, in->st, e) && state_save_status(in->st, &st, e);
    status_free(&st);
    return ok;
}

/* An engine at work on this sync, started from wherever, keeps init out of both sides: what is read here must not move
 * meanwhile. */
static bool prepare_both(struct init *in, struct err *e)
{
    return install_source(in, e) && init_pair(in, e) && init_read_tables(in, e) && init_schema(in, e) &&
           sequences_begin(in->source, in->target, in->s->schema, e) &&
           (!in->s->overwrite || init_empty(in, e)) && init_forget_dropped(in, e) && init_capture(in, e) &&
           init_choose_origins(in, e);
}

/* The copy to restore from must be made with capture in it; the target stays as it is until then. */
static bool prepare_source(struct init *in, struct err *e)
{
    in->report->seed_awaited = true;
    return install_source(in, e) && init_read_tables(in, e) && init_capture_source(in, e);
}

/* A name that means one table now must not mean another as well, once one is made. */
static bool resolve_names(struct init *in, struct err *e)
{
    struct relations all;
    if (in->selection->tables.count + in->selection->exclude.count == 0)
        return true;
    return catalog_read(in->source, in->s->schema, in->a, &all, e) &&
           selection_resolve(in->selection, &all, e);
}

/* Nothing is started, compared or switched before this mark is on the source. */
static bool end_init(struct init *in, bool awaited, struct err *e)
{
    fault_point("init.before_ready");
    if (awaited)
        return true;
    if (in->tables.count == 0) {
        err_set(e, ERR_CONFIG, "the source has no table to replicate");
        return err_hint(e, "check --source, --tables and --exclude");
    }
    if (!capture_set_ready(in->source, &in->capture, e))
        return false;
    in->reached = REACHED_END;
    fault_point("init.ready");
    return state_set(in->st, "ready", "yes", e);
}

/* The settings are saved as soon as something changes, so that cleanup finds both sides whatever happens next. */
static bool prepare(struct init *in, struct err *e)
{
    bool awaited;
    return init_recreate(in, e) && begin_dump(in, e) && pass_preflight(in, e) && resolve_names(in, e) &&
           sync_save(in->s, in->st, e) && target_read(in->target, in->s->schema, in->a, &in->state, e) &&
           seed_awaited(in->s, in->target, &in->state, &awaited, e) &&
           (awaited ? prepare_source(in, e) : prepare_both(in, e)) &&
           target_read(in->target, in->s->schema, in->a, &in->state, e) && write_plan(in, e) &&
           end_init(in, awaited, e);
}

static bool look_at_source(struct init *in, struct err *e)
{
    in->capture = (struct capture){.schema = in->s->schema};
    return capture_find(in->source, &in->capture, e) && init_same_source(in, e) &&
           sync_name_target(in->s, in->target, &in->name, e);
}

static bool run(struct init *in, struct err *e)
{
    bool done;
    fault_point("init.begun");
    return init_connect(in, e) && look_at_source(in, e) && init_look_at_way(in, &done, e) &&
           (done || prepare(in, e));
}

/* ---- the end ---- */

static const char *what_stands(const struct init *in)
{
    switch (in->reached) {
    case REACHED_NOTHING:
        return "nothing was changed on either side";
    case REACHED_SOURCE:
        return "the source has repl's schema, and the target is as it was";
    case REACHED_TARGET:
        return "both sides have repl's schema; the target may have a part of the source's tables";
    case REACHED_TABLES:
        return arena_printf(
            in->a,
            "the target has the tables, without rows, and %zu of the source's %zu were captured by "
            "this init",
            in->report->captured, in->tables.count);
    case REACHED_CAPTURED:
        return "the target has the tables, and all of the source's are captured";
    case REACHED_END:
        break;
    }
    return "everything is prepared";
}

/* A child that had the signal too may be what failed first. */
static void tell_what_stands(struct init *in, struct err *e)
{
    const char *stands = what_stands(in);
    if (interrupt_level(in->interrupt) != INTERRUPT_NONE) {
        err_set(e, ERR_STOPPED, "init was interrupted: %s", stands);
        err_hint(e, in->reached == REACHED_NOTHING
                        ? "repl init begins again"
                        : "repl init goes on from there; repl cleanup takes it away");
    } else if (in->reached != REACHED_NOTHING) {
        in->say(in->arg, arena_printf(in->a, "so far: %s; repl init goes on from there", stands));
    }
}

bool init_run(struct sync *s, struct state *st, say_fn say, ask_fn ask, void *arg, struct init_report *out,
              struct err *e)
{
    struct init in = {.s = s,
                      .selection = &s->selection,
                      .st = st,
                      .say = say,
                      .ask = ask,
                      .arg = arg,
                      .a = arena_new(),
                      .report = out,
                      .made_by_others = s->no_schema,
                      .give_up_ms = s->lock_wait_ms,
                      .interrupt = s->interrupt};
    *out = (struct init_report){0};
    bool ok = run(&in, e);
    if (!ok) {
        init_blame(&in, e);
        tell_what_stands(&in, e);
    }
    end_dump(&in);
    target_name_free(&in.name);
    conn_close(in.source);
    conn_close(in.target);
    arena_free(in.a);
    return ok;
}
