/* What goes on on the servers that repl would wait for: open transactions, prepared ones, anti-wraparound vacuums. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* A transaction that is open for longer is told; sessions beyond the first few are counted. */
#define LONG_SECONDS "5"
enum { TOLD = 5 };

/* ---- transactions ---- */

static void tell_transaction(struct look *l, enum side side, const struct result *r, int i)
{
    char age[32];
    const char *pid = result_text(r, i, 0), *state = result_text(r, i, 3);
    bool idle = strncmp(state, "idle", 4) == 0;
    look_add(l, FINDING_WARNING, "long transactions", side_name(side), "",
             arena_printf(
                 l->a,
                 "a transaction is open for %s (pid %s, role %s%s%s, %s): init waits for the tables that it "
                 "has locked, and vacuum cannot clean up behind it",
                 str_duration(age, sizeof age, (double)result_int(r, i, 4)), pid, result_text(r, i, 1),
                 result_text(r, i, 2)[0] != '\0' ? ", " : "", result_text(r, i, 2), state),
             arena_printf(l->a, "let it end, or SELECT %s(%s)%s",
                          idle ? "pg_terminate_backend" : "pg_cancel_backend", pid,
                          side == SIDE_SOURCE ? " (Heroku: heroku pg:kill PID)" : ""));
}

bool step_transactions(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"seconds", LONG_SECONDS}, {NULL, NULL}};
    if (!pg_query_filled(look_conn(l, side), sql_check_transactions, vars, &r, e))
        return false;
    int told = 0, hidden = 0, more = 0;
    for (int i = 0; i < result_rows(r); i++) {
        if (result_null(r, i, 4))
            hidden++;
        else if (told++ < TOLD)
            tell_transaction(l, side, r, i);
        else
            more++;
    }
    result_free(r);
    if (more > 0)
        look_add(l, FINDING_WARNING, "long transactions", side_name(side), "",
                 arena_printf(l->a, "and %d more, each open for over " LONG_SECONDS " s", more),
                 "SELECT pid, usename, xact_start, state, query FROM pg_stat_activity ORDER BY xact_start");
    if (hidden > 0)
        look_add(l, FINDING_WARNING, "long transactions", side_name(side), "",
                 arena_printf(
                     l->a,
                     "%d sessions of other roles are in a transaction, and role %s may not see since when",
                     hidden, l->facts[side].role),
                 arena_printf(l->a, "GRANT pg_read_all_stats TO %s", l->facts[side].role));
    if (told == 0 && hidden == 0)
        look_ok(l, "long transactions", side_name(side), "none is open for over " LONG_SECONDS " s");
    return true;
}

/* ---- two-phase commit ---- */

static void tell_prepared(struct look *l, enum side side, const struct result *r)
{
    char age[32];
    for (int i = 0; i < result_rows(r) && i < TOLD; i++)
        look_add(
            l, FINDING_WARNING, "prepared transactions", side_name(side), "",
            arena_printf(
                l->a,
                "the prepared transaction %s of role %s is open for %s: it keeps its locks, and init waits "
                "for them",
                result_text(r, i, 0), result_text(r, i, 1),
                str_duration(age, sizeof age, (double)result_int(r, i, 2))),
            arena_printf(l->a, "COMMIT PREPARED %s, or ROLLBACK PREPARED %s", result_text(r, i, 0),
                         result_text(r, i, 0)));
    if (result_rows(r) > TOLD)
        look_add(l, FINDING_WARNING, "prepared transactions", side_name(side), "",
                 arena_printf(l->a, "and %d more are prepared", result_rows(r) - TOLD),
                 "SELECT * FROM pg_prepared_xacts");
}

bool step_prepared(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(look_conn(l, side), sql_check_prepared, (const struct sql_var[]){{NULL, NULL}}, &r,
                         e))
        return false;
    tell_prepared(l, side, r);
    bool none = result_rows(r) == 0;
    result_free(r);
    if (side == SIDE_TARGET) {
        if (none)
            look_ok(l, "prepared transactions", "target", "none is open");
    } else if (l->facts[side].max_prepared > 0) {
        look_add(
            l, FINDING_WARNING, "prepared transactions", "source", "",
            arena_printf(
                l->a,
                "max_prepared_transactions is %lld: repl is not rung for by NOTIFY, which would make PREPARE "
                "TRANSACTION fail, but looks about every 50 ms by itself",
                (long long)l->facts[side].max_prepared),
            "if the application prepares no transactions, set ring_anyway = 1 in repl.conf: changes arrive "
            "within milliseconds then");
    } else {
        look_ok(l, "prepared transactions", "source", "two-phase commit is off");
    }
    return true;
}

/* ---- vacuum ---- */

bool step_vacuum(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"oids", table_oids(l, &l->tables)}, {NULL, NULL}};
    if (!pg_query_filled(look_conn(l, side), sql_check_vacuum, vars, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        const char *label = result_text(r, i, 0), *sql = result_text(r, i, 1);
        if (result_bool(r, i, 2))
            look_add(l, FINDING_WARNING, "vacuum", "source", label,
                     "an anti-wraparound vacuum is at work: it gives way to nobody, and init waits for it",
                     "let it end (SELECT * FROM pg_stat_progress_vacuum shows how far it is); init goes on "
                     "with the "
                     "other tables, gives up after ten minutes, and can be run again");
        else
            look_add(l, FINDING_WARNING, "vacuum", "source", label,
                     "an anti-wraparound vacuum is due soon (over 90 % of autovacuum_freeze_max_age); init "
                     "would have to "
                     "wait for it",
                     arena_printf(l->a, "in a quiet hour before init: VACUUM (FREEZE) %s", sql));
    }
    if (result_rows(r) == 0)
        look_ok(l, "vacuum", "source", "no anti-wraparound vacuum runs or is due soon");
    result_free(r);
    return true;
}
