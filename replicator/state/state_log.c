/* The log and the history of batches: rings in the state file. */
#include "repl/state.h"

#include <stdlib.h>

#include "db.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/mem.h"

enum { KEEP_EVENTS = 10000, KEEP_BATCHES = 1000 };

/* Adds a row and drops the oldest above the limit, together. */
static bool add_and_trim(struct state *s, const char *add, const struct param *p, int n, const char *trim,
                         int64_t keep, struct err *e)
{
    if (!db_script(s, "BEGIN IMMEDIATE", e))
        return false;
    return db_end(s, db_run(s, add, p, n, e) && db_run(s, trim, &P_INT(keep), 1, e), e);
}

bool state_log(struct state *s, const char *level, const char *table, const char *message, const char *hint,
               struct err *e)
{
    char at[32];
    const struct param p[] = {P_TEXT(clock_iso(at, sizeof at, clock_wall())), P_TEXT(level), P_TEXT(table),
                              P_TEXT(message), P_TEXT(hint)};
    return add_and_trim(s, sql_state_event_add, p, sizeof p / sizeof *p, sql_state_event_trim, KEEP_EVENTS,
                        e);
}

static void read_event(sqlite3_stmt *q, struct state_event *ev)
{
    ev->id = db_int(q, 0, 0);
    ev->at = db_text(q, 1);
    ev->level = db_text(q, 2);
    ev->table = db_text(q, 3);
    ev->message = db_text(q, 4);
    ev->hint = db_text(q, 5);
}

bool state_log_read(struct state *s, int64_t after, int limit, bool errors_only, struct state_event **out,
                    size_t *count, struct err *e)
{
    *out = NULL;
    *count = 0;
    const struct param p[] = {P_INT(after), P_INT(limit), P_INT(errors_only)};
    sqlite3_stmt *q;
    if (!db_prepare(s, sql_state_event_read, p, sizeof p / sizeof *p, &q, e))
        return false;
    bool ok, row;
    size_t cap = 0;
    while ((ok = db_step(s, q, &row, e)) && row) {
        if (*count == cap) {
            cap = cap != 0 ? cap * 2 : 16;
            *out = xrealloc(*out, cap * sizeof **out);
        }
        read_event(q, &(*out)[(*count)++]);
    }
    sqlite3_finalize(q);
    if (!ok) {
        state_events_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return ok;
}

void state_events_free(struct state_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(events[i].at);
        free(events[i].level);
        free(events[i].table);
        free(events[i].message);
        free(events[i].hint);
    }
    free(events);
}

bool state_load_errors(struct state *s, int n, struct status *st, struct err *e)
{
    sqlite3_stmt *q;
    if (!db_prepare(s, sql_state_event_unsettled, &P_INT(n), 1, &q, e))
        return false;
    bool ok, row;
    while ((ok = db_step(s, q, &row, e)) && row) {
        st->errors = xrealloc(st->errors, (st->nerrors + 1) * sizeof *st->errors);
        struct status_error *x = &st->errors[st->nerrors++];
        x->at = db_text(q, 0);
        x->table = db_text(q, 1);
        x->message = db_text(q, 2);
        x->hint = db_text(q, 3);
    }
    sqlite3_finalize(q);
    return ok;
}

bool state_log_settle(struct state *s, struct err *e)
{
    return db_run(s, sql_state_event_settle, NULL, 0, e);
}

bool state_batch_add(struct state *s, const struct status *st, struct err *e)
{
    const struct param p[] = {
        P_TEXT(st->last_batch.at),          P_INT(st->last_batch.tables), P_INT(st->last_batch.rows_upserted),
        P_INT(st->last_batch.rows_deleted), P_INT(st->last_batch.bytes),  P_REAL(st->last_batch.seconds),
    };
    return add_and_trim(s, sql_state_batch_add, p, sizeof p / sizeof *p, sql_state_batch_trim, KEEP_BATCHES,
                        e);
}
