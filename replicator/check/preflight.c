/*
 * Everything that would fail later, asked first. Changes nothing on either side. The table below is the order and the
 * documentation; a question that a server does not answer becomes a finding, and the next one is asked.
 */
#include "preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sides { ON_SOURCE, ON_TARGET, ON_EACH, WITH_BOTH };

enum weight {
    PLAIN,  /* unanswered it is a warning */
    NEEDED, /* unanswered it is a blocker: init could not go on either */
    FIRST   /* so too, and with a blocker of its own nothing else can be asked */
};

static const struct step {
    const char *topic;
    enum sides sides;
    enum weight weight;
    step_fn run;
    const char *text;
} steps[] = {
    {"connection", ON_EACH, NEEDED, step_connection,
     "each side can be reached, directly (no pooler such as PgBouncer) and as a primary"},
    {"version", WITH_BOTH, FIRST, step_version, "both are PostgreSQL 13 or newer, the target not the older"},
    {"database", WITH_BOTH, FIRST, step_database, "source and target are not the same database"},
    {"encryption", ON_EACH, PLAIN, step_encryption, "connections to another machine are encrypted (TLS)"},
    {"clock", WITH_BOTH, PLAIN, step_clock, "how far the clocks of both servers and of this machine differ"},
    {"schema", WITH_BOTH, NEEDED, step_schema,
     "repl's own schema: free to be made, or this sync's on both sides"},
    {"tables", ON_SOURCE, NEEDED, step_tables, "what there is to replicate, and that patterns match"},
    {"sizes", ON_SOURCE, PLAIN, step_sizes, "how much there is to copy"},
    {"target tables", WITH_BOTH, NEEDED, step_target_tables,
     "the tables that are on the target already: their columns take the source's rows"},
    {"privileges", ON_EACH, NEEDED, step_privileges,
     "the source's tables are owned and read, schemas may be made, the target's tables are written; "
     "session_replication_role may be set; sequences are read"},
    {"row-level security", ON_EACH, PLAIN, step_row_security,
     "no policy hides rows from repl; where policies go over"},
    {"key", ON_SOURCE, PLAIN, step_keys,
     "tables with neither a primary key nor a unique index over NOT NULL"},
    {"columns", ON_SOURCE, PLAIN, step_columns_source,
     "generated columns (computed by the target) and identity columns (values kept)"},
    {"unlogged", ON_SOURCE, PLAIN, step_unlogged, "unlogged tables"},
    {"foreign tables", ON_SOURCE, PLAIN, step_foreign_tables, "foreign tables, and partitions that are such"},
    {"left behind", ON_SOURCE, PLAIN, step_left_behind,
     "what triggers or pg_dump do not bring: large objects, event triggers"},
    {"seed", WITH_BOTH, NEEDED, step_seed,
     "with --seeded: the rows that the target was restored with are later than capture, table by table"},
    {"fork", WITH_BOTH, NEEDED, step_fork,
     "with --copy-from: it is a fork of the source, made after capture, and nobody wrote to it; which tables "
     "it gives"},
    {"rows", WITH_BOTH, NEEDED, step_rows, "tables of the target that hold rows already"},
    {"triggers", ON_EACH, PLAIN, step_triggers,
     "triggers and rules that are ENABLE ALWAYS or REPLICA: what becomes of the source's, and those of the "
     "target, which fire for replicated rows; event triggers of the target"},
    {"security definer", WITH_BOTH, PLAIN, step_definers,
     "functions of the source that run as their owner, which is another one on the target"},
    {"pg_dump", WITH_BOTH, NEEDED, step_tools,
     "pg_dump and pg_restore of a sufficient version are installed here"},
    {"extension", WITH_BOTH, NEEDED, step_extensions,
     "the source's extensions: available on the target, which version, which schema"},
    {"policy roles", WITH_BOTH, NEEDED, step_policy_roles, "roles that the source's policies name"},
    {"target schemas", WITH_BOTH, NEEDED, step_schemas, "tables may be made in the target's schemas"},
    {"grants", WITH_BOTH, PLAIN, step_grants,
     "roles that own or may use something on the source and not on the target, since owners and grants do "
     "not go "
     "over"},
    {"tables with indexes", WITH_BOTH, PLAIN, step_indexes_before,
     "indexes, foreign keys and triggers that the target has before the rows: a slower copy"},
    {"search path", WITH_BOTH, PLAIN, step_search_path,
     "search_path of both, for functions and applications that count on it (Heroku's heroku_ext)"},
    {"functions", ON_SOURCE, PLAIN, step_functions,
     "functions of generated columns, checks, domains and indexes find what they name without a schema, as "
     "repl and the target's server run them"},
    {"encoding", WITH_BOTH, PLAIN, step_encoding, "the target can hold the source's text; SQL_ASCII"},
    {"collation", WITH_BOTH, PLAIN, step_collation,
     "provider, locale and version of the databases; collations of columns; nondeterministic ones in unique "
     "indexes"},
    {"connections", ON_EACH, PLAIN, step_connections,
     "free connections for --jobs and the rest, under max_connections and the limits of role and database "
     "(Heroku's "
     "plan)"},
    {"locks", ON_EACH, PLAIN, step_locks, "max_locks_per_transaction against the number of tables"},
    {"long transactions", ON_EACH, PLAIN, step_transactions,
     "transactions that stay open: they hold back init and vacuum"},
    {"prepared transactions", ON_EACH, PLAIN, step_prepared,
     "two-phase commit: a transaction that rings repl's doorbell could not be prepared, so none rings"},
    {"vacuum", ON_SOURCE, PLAIN, step_vacuum,
     "anti-wraparound vacuums that run or are due: init waits for them"},
    {"settings", ON_TARGET, PLAIN, step_settings, "settings of the target that slow a load"},
    {"role settings", ON_EACH, PLAIN, step_role_settings,
     "settings of the role or the database (timeouts, read only), and that repl's sessions do not have them"},
    {"exemption", ON_EACH, PLAIN, step_exemption,
     "whose writes capture may pass over: other sessions of repl's own role on the source, settings "
     "repl.* of roles and databases"},
    {"disk", WITH_BOTH, PLAIN, step_disk, "how much room the target needs, and has, where that can be known"},
    {"wire", WITH_BOTH, PLAIN, step_wire,
     "round trips; with COPY for a few seconds each way, how fast the copy can be"},
};

enum { STEPS = sizeof steps / sizeof *steps };

bool preflight_topic(unsigned i, struct preflight_topic *out)
{
    static const char *const sides[] = {"source", "target", "each", "both"};
    if (i >= STEPS)
        return false;
    *out = (struct preflight_topic){steps[i].topic, sides[steps[i].sides], steps[i].text};
    return true;
}

/* ---- helpers of the steps ---- */

struct conn *look_conn(const struct look *l, enum side side)
{
    return side == SIDE_SOURCE ? l->source : l->target;
}

void look_add(struct look *l, enum finding_level level, const char *topic, const char *side,
              const char *table, const char *text, const char *hint)
{
    finding_add(
        l->out, l->a,
        (struct finding){
            .level = level, .topic = topic, .side = side, .table = table, .text = text, .hint = hint});
}

void look_ok(struct look *l, const char *topic, const char *side, const char *fmt, ...)
{
    char *text;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort(); /* out of memory */
    va_end(ap);
    look_add(l, FINDING_OK, topic, side, "", text, NULL);
    free(text);
}

const char *table_oids(struct look *l, const struct relations *tables)
{
    struct buf b = {0};
    buf_puts(&b, "{");
    for (size_t i = 0; i < tables->count; i++)
        buf_printf(&b, "%s%u", i != 0 ? "," : "", tables->items[i].oid);
    buf_puts(&b, "}");
    return buf_take(l->a, &b);
}

/* ---- running them ---- */

static bool answers(const struct look *l, enum side side)
{
    struct conn *c = look_conn(l, side);
    return c != NULL && conn_usable(c);
}

/* What the first step learns of a side all others rely on. */
static bool is_known(const struct look *l, enum side side)
{
    return answers(l, side) && l->facts[side].known;
}

static bool can_ask(const struct look *l, const struct step *step, enum side side)
{
    if (step->run == step_connection)
        return answers(l, side);
    if (step->sides == WITH_BOTH)
        return is_known(l, SIDE_SOURCE) && is_known(l, SIDE_TARGET);
    return is_known(l, side);
}

static void unanswered(struct look *l, const struct step *step, struct err *e)
{
    struct finding f = {.level =
                            step->weight == PLAIN && e->kind != ERR_CONN ? FINDING_WARNING : FINDING_BLOCKER,
                        .topic = step->topic,
                        .side = e->side,
                        .table = e->table,
                        .text = arena_printf(l->a, "could not be asked: %s", e->text),
                        .hint = e->hint};
    if (f.hint[0] == '\0' && err_is(e, "42501"))
        f.hint = "grant the role what is missing, or judge it for yourself";
    finding_add(l->out, l->a, f);
}

static void run_on(struct look *l, const struct step *step, enum side side)
{
    struct err e = {0};
    if (!can_ask(l, step, side) || step->run(l, side, &e))
        return;
    for (enum side s = SIDE_SOURCE; s <= SIDE_TARGET; s++)
        if (answers(l, s))
            pg_reset(look_conn(l, s));
    unanswered(l, step, &e);
}

static bool blocked(const struct findings *f)
{
    struct err ignored; /* only whether there is one is asked */
    return !findings_pass(f, &ignored);
}

static void run_steps(struct look *l)
{
    for (const struct step *step = steps; step < steps + STEPS; step++) {
        size_t before = l->out->count;
        if (step->sides != ON_TARGET)
            run_on(l, step, SIDE_SOURCE);
        if (step->sides == ON_TARGET || step->sides == ON_EACH)
            run_on(l, step, SIDE_TARGET);
        const struct findings added = {l->out->items + before, l->out->count - before};
        if (step->weight == FIRST && added.count != 0 && blocked(&added))
            break;
    }
}

static void run(const struct sync *s, struct conn *source, struct conn *target, bool probe, struct arena *a,
                struct preflight *out)
{
    struct look l = {.s = s,
                     .source = source,
                     .target = target,
                     .a = a,
                     .out = &out->found,
                     .estimate = &out->estimate,
                     .probe = probe};
    out->estimate = (struct estimate){.bytes = -1,
                                      .index_bytes = -1,
                                      .connections = s->jobs,
                                      .source = {-1, -1},
                                      .target = {-1, -1},
                                      .index_bytes_per_second = -1,
                                      .copy_seconds = -1,
                                      .index_seconds = -1};
    run_steps(&l);
}

void preflight_run(const struct sync *s, struct conn *source, struct conn *target, struct arena *a,
                   struct preflight *out)
{
    *out = (struct preflight){0};
    run(s, source, target, false, a, out);
}

static struct conn *connect_side(const struct sync *s, enum side side, struct arena *a, struct findings *out)
{
    struct conn *c = NULL;
    struct err e;
    if (sync_connect(s, side, "check", &c, &e))
        return c;
    snprintf(e.side, sizeof e.side, "%s", side_name(side));
    finding_add_err(out, a, "connection", &e);
    return NULL;
}

void preflight_check(const struct sync *s, bool probe, struct arena *a, struct preflight *out)
{
    *out = (struct preflight){0};
    struct conn *source = connect_side(s, SIDE_SOURCE, a, &out->found);
    struct conn *target = connect_side(s, SIDE_TARGET, a, &out->found);
    run(s, source, target, probe, a, out);
    conn_close(source);
    conn_close(target);
}
