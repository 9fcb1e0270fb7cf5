/* The two servers: who they are, how they are reached, what time they think it is, and whose sync they hold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/clock.h"
#include "repl/embedded.h"

enum { CLOCK_ASKED = 5 };

/* Clocks that NTP keeps differ by far less; from here on rows written after the switch look out of order. */
static const double CLOCK_MAY_DIFFER = 1.0;

/* ---- connection, version, database ---- */

static bool read_facts(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    struct server_facts *out = &l->facts[side];
    const struct sql_var vars[] = {{"own_schema", l->s->schema}, {NULL, NULL}};
    if (!pg_query_filled(look_conn(l, side), sql_check_server_facts, vars, &r, e))
        return false;
    *out = (struct server_facts){.known = true,
                                 .database = arena_strdup(l->a, result_text(r, 0, 0)),
                                 .role = arena_strdup(l->a, result_text(r, 0, 1)),
                                 .encoding = arena_strdup(l->a, result_text(r, 0, 2)),
                                 .may_create = result_bool(r, 0, 3),
                                 .schema_exists = result_bool(r, 0, 4),
                                 .max_prepared = result_int(r, 0, 5),
                                 .large_objects = result_int(r, 0, 6),
                                 .foreign_tables = result_int(r, 0, 7),
                                 .event_triggers = result_int(r, 0, 8),
                                 .unreadable_sequences = arena_strdup(l->a, result_text(r, 0, 9))};
    result_free(r);
    return true;
}

/* conn_open has refused poolers and standbys already. */
bool step_connection(struct look *l, enum side side, struct err *e)
{
    if (!read_facts(l, side, e))
        return false;
    look_ok(l, "connection", side_name(side), "database %s as role %s, directly, on a primary",
            l->facts[side].database, l->facts[side].role);
    return true;
}

bool step_version(struct look *l, enum side side, struct err *e)
{
    int from = conn_server_version(l->source), to = conn_server_version(l->target);
    (void)side;
    (void)e;
    if (from < CATALOG_MIN_VERSION || to < CATALOG_MIN_VERSION)
        look_add(l, FINDING_BLOCKER, "version",
                 side_name(from < CATALOG_MIN_VERSION ? SIDE_SOURCE : SIDE_TARGET), "",
                 arena_printf(l->a, "PostgreSQL %d is too old: repl needs %d or newer",
                              (from < CATALOG_MIN_VERSION ? from : to) / 10000, CATALOG_MIN_VERSION / 10000),
                 "upgrade that server first (Heroku: heroku pg:upgrade)");
    else if (from / 10000 > to / 10000)
        look_add(l, FINDING_WARNING, "version", "target", "",
                 arena_printf(l->a,
                              "the target (PostgreSQL %d) is older than the source (%d): some of the schema "
                              "may not exist there",
                              to / 10000, from / 10000),
                 arena_printf(l->a, "use a target of PostgreSQL %d or newer", from / 10000));
    else
        look_ok(l, "version", "", "PostgreSQL %d on the source, %d on the target", from / 10000, to / 10000);
    return true;
}

bool step_database(struct look *l, enum side side, struct err *e)
{
    struct server_identity from, to;
    (void)side;
    if (!catalog_identity(l->source, &from, e) || !catalog_identity(l->target, &to, e))
        return false;
    if (catalog_same_database(&from, &to))
        look_add(l, FINDING_BLOCKER, "database", "", "", "source and target are the same database",
                 "give --target the URL of the database to move to");
    return true;
}

/* ---- encryption ---- */

enum finding_level encryption_level(bool encrypted, bool same_machine)
{
    return encrypted || same_machine ? FINDING_OK : FINDING_WARNING;
}

/* Only verify-full knows that the server is the one that was meant. */
static void judge_sslmode(struct look *l, enum side side, const char *carried, const char *sslmode)
{
    const char *name = side_name(side);
    if (strcmp(sslmode, "verify-full") == 0) {
        look_ok(l, "encryption", name, "%s, sslmode=verify-full", carried);
        return;
    }
    look_add(
        l, FINDING_WARNING, "encryption", name, "",
        arena_printf(
            l->a,
            strcmp(sslmode, "verify-ca") == 0
                ? "%s, sslmode=%s: the server's certificate is checked, its host's name is not: any server "
                  "with a certificate of that authority may take its place, and the password"
                : "%s, sslmode=%s: no certificate is checked: any machine between may take the server's "
                  "place, "
                  "and the password",
            carried, sslmode),
        arena_printf(
            l->a,
            "add sslmode=verify-full&sslrootcert=FILE to the URL of %s; the certificates of Amazon RDS and "
            "Aurora: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem; servers of Heroku "
            "show "
            "one that no authority has signed: there require is all that can be had",
            side_option(side)));
}

bool step_encryption(struct look *l, enum side side, struct err *e)
{
    struct conn_wire wire;
    struct result *r;
    if (!pg_query_filled(look_conn(l, side), sql_check_encryption, (const struct sql_var[]){{NULL, NULL}}, &r,
                         e))
        return false;
    conn_wire(look_conn(l, side), &wire);
    bool same_machine = result_bool(r, 0, 0) || !wire.remote,
         encrypted = result_bool(r, 0, 1) || wire.encrypted;
    const char *carried = result_null(r, 0, 2)
                              ? "encrypted"
                              : arena_printf(l->a, "%s, %s", result_text(r, 0, 2), result_text(r, 0, 3));
    if (encrypted && same_machine)
        look_ok(l, "encryption", side_name(side), "%s, sslmode=%s, and does not leave this machine", carried,
                wire.sslmode);
    else if (encrypted)
        judge_sslmode(l, side, carried, wire.sslmode);
    else if (encryption_level(encrypted, same_machine) == FINDING_OK)
        look_ok(l, "encryption", side_name(side), "not encrypted, and does not leave this machine");
    else
        look_add(l, FINDING_WARNING, "encryption", side_name(side), "",
                 arena_printf(
                     l->a,
                     "the connection is not encrypted (sslmode=%s): every row, and the password, passes the "
                     "network in the clear",
                     wire.sslmode),
                 arena_printf(l->a,
                              "add sslmode=verify-full and sslrootcert to the URL of %s, or sslmode=require",
                              side_option(side)));
    result_free(r);
    return true;
}

/* ---- clock ---- */

enum finding_level clock_level(double ahead, double err)
{
    return fabs(ahead) - err > CLOCK_MAY_DIFFER ? FINDING_WARNING : FINDING_OK;
}

/* How far the server's clock is ahead of ours, by the quickest of some questions; err is half of its round trip. */
static bool ask_clock(struct conn *c, double *ahead, double *err, struct err *e)
{
    *ahead = 0;
    *err = 1e9;
    for (int i = 0; i < CLOCK_ASKED; i++) {
        char *text;
        double before = clock_wall();
        if (!pg_value(c, "SELECT extract(epoch FROM pg_catalog.clock_timestamp())", 0, NULL, &text, e))
            return false;
        double after = clock_wall();
        if ((after - before) / 2 < *err) {
            *err = (after - before) / 2;
            *ahead = strtod(text, NULL) - (before + after) / 2;
        }
        free(text);
    }
    return true;
}

bool step_clock(struct look *l, enum side side, struct err *e)
{
    double from, to, from_err, to_err;
    char much[32], ours[32];
    (void)side;
    if (!ask_clock(l->source, &from, &from_err, e) || !ask_clock(l->target, &to, &to_err, e))
        return false;
    l->estimate->source.round_trip = 2 * from_err;
    l->estimate->target.round_trip = 2 * to_err;
    str_duration(much, sizeof much, fabs(to - from));
    if (clock_level(to - from, from_err + to_err) != FINDING_OK)
        look_add(l, FINDING_WARNING, "clock", "target", "",
                 arena_printf(l->a,
                              "its clock is %s %s the source's: repl does not rely on clocks, but after the "
                              "switch now() jumps by that",
                              much, to > from ? "ahead of" : "behind"),
                 "have both servers keep time by NTP (RDS and Heroku do), or know it when you switch");
    else
        look_ok(l, "clock", "", "the servers' clocks differ by %s at most",
                str_duration(much, sizeof much, fabs(to - from) + from_err + to_err));
    if (clock_level(from, from_err) != FINDING_OK)
        look_add(
            l, FINDING_WARNING, "clock", "", "",
            arena_printf(l->a,
                         "this machine's clock is %s %s the source's: times in repl's log and status are off",
                         str_duration(ours, sizeof ours, fabs(from)), from < 0 ? "ahead of" : "behind"),
            "set this machine's clock (timedatectl set-ntp true)");
    return true;
}

/* ---- repl's own schema ---- */

static void not_ours(struct look *l, enum side side)
{
    bool target = side == SIDE_SOURCE && l->capture.installed.kind == INSTALLED_TARGET;
    look_add(l, FINDING_BLOCKER, "schema", side_name(side), "",
             target
                 ? arena_printf(
                       l->a,
                       "schema %s is that of a target: this database is, or was, one that rows are moved to",
                       l->s->schema)
                 : arena_printf(l->a, "there is a schema %s that is not repl's", l->s->schema),
             "choose another name: --schema NAME");
}

/* Of a source that is moved elsewhere already. */
static void other_target(struct look *l, const char *shown)
{
    look_add(l, FINDING_BLOCKER, "schema", "source", "",
             arena_printf(l->a, "this source is being moved to %s already, not to %s",
                          l->capture.installed.target_name, shown),
             "for a second target beside it: repl -D DIR init --schema NAME ...; to move it here instead, "
             "with a copy "
             "from the start: repl init --change-target");
}

/* What the target holds of a time when it was this source's before is not gone on from. */
static bool judge_target(struct look *l, struct err *e)
{
    struct target_name name;
    if (!sync_name_target(l->s, l->target, &name, e))
        return false;
    bool other = sync_judge_target(&l->capture, &l->state, &name) == TARGET_OTHER;
    if (other && !l->s->change_target)
        other_target(l, name.shown);
    else if (other)
        l->state = (struct target_state){.snapshot = "", .applied_at = ""};
    target_name_free(&name);
    return true;
}

static void compare_syncs(struct look *l)
{
    const char *there = l->state.sync_id, *here = l->capture.sync_id;
    if (l->state.exists && strcmp(there, here) != 0)
        look_add(
            l, FINDING_BLOCKER, "schema", "target", "",
            here[0] == '\0'
                ? arena_printf(l->a, "the target holds the sync %s, of which the source knows nothing", there)
                : arena_printf(l->a, "the target holds the sync %s, the source %s", there, here),
            "if the target's is done with: repl cleanup --source URL --target URL, then init again; "
            "for a second sync: --schema NAME");
    else if (here[0] != '\0')
        look_ok(l, "schema", "", "sync %s is installed in schema %s and is continued", here, l->s->schema);
    else
        look_ok(l, "schema", "", "the name %s is free for repl's own schema", l->s->schema);
}

/* A schema on the target that is no target's: capture's, where the target was restored from a copy of the source, of
 * which step_seed tells. */
static bool find_restored(struct look *l, struct err *e)
{
    struct capture there = {.schema = l->s->schema};
    struct err found;
    if (capture_find(l->target, &there, &found)) {
        l->restored = there.sync_id[0] != '\0';
        if (!l->restored)
            not_ours(l, SIDE_TARGET);
        return true;
    }
    if (found.kind == ERR_CONFIG) {
        finding_add_err(l->out, l->a, "schema", &found);
        return true;
    }
    *e = found;
    return false;
}

static bool has_blocker(const struct look *l, size_t from)
{
    for (size_t i = from; i < l->out->count; i++)
        if (l->out->items[i].level == FINDING_BLOCKER)
            return true;
    return false;
}

/* Which sync is installed where, and that the two agree. */
bool step_schema(struct look *l, enum side side, struct err *e)
{
    struct err found;
    size_t before = l->out->count;
    (void)side;
    l->capture = (struct capture){.schema = l->s->schema};
    if (!capture_find(l->source, &l->capture, &found)) {
        if (found.kind != ERR_CONFIG) {
            *e = found;
            return false;
        }
        finding_add_err(l->out, l->a, "schema", &found);
    } else if (l->facts[SIDE_SOURCE].schema_exists && l->capture.sync_id[0] == '\0') {
        not_ours(l, SIDE_SOURCE);
    }
    if (!target_read(l->target, l->s->schema, l->a, &l->state, &found)) {
        if (found.kind != ERR_CONFIG) {
            *e = found;
            return false;
        }
        finding_add_err(l->out, l->a, "schema", &found);
    } else if (l->facts[SIDE_TARGET].schema_exists && !l->state.exists && !find_restored(l, e)) {
        return false;
    }
    if (l->out->count == before)
        compare_syncs(l);
    return has_blocker(l, before) || judge_target(l, e);
}
