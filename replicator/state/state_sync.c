/*
 * The status as the engine last knew it. Whether an engine runs, and as which process, is not kept: a file cannot
 * know that; the control socket does.
 */
#include "repl/state.h"

#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "repl/embedded.h"
#include "repl/hash.h"
#include "repl/mem.h"

static bool save_head(struct state *s, const struct status *st, struct err *e)
{
    const struct param p[] = {
        P_TEXT(phase_name(st->phase)),
        P_TEXT(st->engine.version),
        P_TEXT(st->engine.since),
        P_REAL_KNOWN(st->lag_seconds),
        P_INT_KNOWN(st->owed_rows),
        P_TEXT(st->position),
        P_INT(st->copy.bytes_done),
        P_INT(st->copy.bytes_total),
        P_INT(st->copy.rows_done),
        P_REAL_KNOWN(st->copy.rate_bytes_per_second),
        P_REAL_KNOWN(st->copy.eta_seconds),
        P_TEXT(st->last_batch.at),
        P_INT(st->last_batch.tables),
        P_INT(st->last_batch.rows_upserted),
        P_INT(st->last_batch.rows_deleted),
        P_INT(st->last_batch.bytes),
        P_REAL(st->last_batch.seconds),
        P_TEXT(st->next),
        P_INT(st->consistent),
        P_TEXT(st->note),
        P_TEXT(st->known_at),
    };
    return db_run(s, sql_state_status_save, p, sizeof p / sizeof *p, e);
}

static bool save_table(struct state *s, sqlite3_stmt *stmt, size_t place, const struct status_table *t,
                       struct err *e)
{
    const struct param p[] = {
        P_INT((int64_t)place),     P_INT(t->id),          P_TEXT(t->schema),      P_TEXT(t->name),
        P_TEXT(t->phase),          P_INT(t->rows_copied), P_INT(t->bytes_copied), P_INT(t->bytes_total),
        P_INT_KNOWN(t->owed_rows), P_TEXT(t->error),
    };
    bool row;
    sqlite3_reset(stmt);
    return db_bind(s, stmt, p, sizeof p / sizeof *p, e) && db_step(s, stmt, &row, e);
}

static uint64_t text_digest(const char *text)
{
    return text != NULL ? hash64_str(text) : 0;
}

static uint64_t table_digest(const struct status_table *t)
{
    const uint64_t parts[] = {
        (uint64_t)t->id,          (uint64_t)t->rows_copied, (uint64_t)t->bytes_copied,
        (uint64_t)t->bytes_total, (uint64_t)t->owed_rows,   text_digest(t->schema),
        text_digest(t->name),     text_digest(t->phase),    text_digest(t->error),
    };
    return hash64(parts, sizeof parts);
}

/* Only what differs from the last save: of thousands of tables few change between two, and the loop waits. */
static bool save_changed(struct state *s, sqlite3_stmt *stmt, const struct status *st, uint64_t *digests,
                         struct err *e)
{
    for (size_t i = 0; i < st->ntables; i++) {
        digests[i] = table_digest(&st->tables[i]);
        bool same = i < s->nsaved && s->saved[i] == digests[i];
        if (!same && !save_table(s, stmt, i, &st->tables[i], e))
            return false;
    }
    bool fewer = s->nsaved == 0 || st->ntables < s->nsaved;
    return !fewer || db_run(s, sql_state_table_trim, &P_INT((int64_t)st->ntables), 1, e);
}

static bool save_tables(struct state *s, const struct status *st, uint64_t *digests, struct err *e)
{
    sqlite3_stmt *stmt;
    if (!db_prepare(s, sql_state_table_save, NULL, 0, &stmt, e))
        return false;
    bool ok = save_changed(s, stmt, st, digests, e);
    sqlite3_finalize(stmt);
    return ok;
}

bool state_save_status(struct state *s, const struct status *st, struct err *e)
{
    if (!db_script(s, "BEGIN IMMEDIATE", e))
        return false;
    uint64_t *digests = xcalloc(st->ntables + 1, sizeof *digests);
    bool ok = db_end(s, save_head(s, st, e) && save_tables(s, st, digests, e), e);
    free(s->saved);
    s->saved = digests;
    s->nsaved = ok ? st->ntables : 0;
    return ok;
}

static void status_unknown(struct status *st)
{
    memset(st, 0, sizeof *st);
    st->phase = st->reached = PHASE_STOPPED;
    st->lag_seconds = -1;
    st->owed_rows = -1;
    st->copy.rate_bytes_per_second = -1;
    st->copy.eta_seconds = -1;
}

static void load_head(sqlite3_stmt *q, struct status *st)
{
    int c = 0;
    char *phase = db_text(q, c++);
    if (phase == NULL || !phase_parse(phase, &st->phase))
        st->phase = PHASE_STOPPED;
    free(phase);
    st->reached = st->phase;
    st->engine.version = db_text(q, c++);
    st->engine.since = db_text(q, c++);
    st->lag_seconds = db_real(q, c++, -1);
    st->owed_rows = db_int(q, c++, -1);
    st->position = db_text(q, c++);
    st->copy.bytes_done = db_int(q, c++, 0);
    st->copy.bytes_total = db_int(q, c++, 0);
    st->copy.rows_done = db_int(q, c++, 0);
    st->copy.rate_bytes_per_second = db_real(q, c++, -1);
    st->copy.eta_seconds = db_real(q, c++, -1);
    st->last_batch.at = db_text(q, c++);
    st->last_batch.tables = (int)db_int(q, c++, 0);
    st->last_batch.rows_upserted = db_int(q, c++, 0);
    st->last_batch.rows_deleted = db_int(q, c++, 0);
    st->last_batch.bytes = db_int(q, c++, 0);
    st->last_batch.seconds = db_real(q, c++, 0);
    st->next = db_text(q, c++);
    st->consistent = db_int(q, c++, 0) != 0;
    st->note = db_text(q, c++);
    st->known_at = db_text(q, c++);
}

static void load_table(sqlite3_stmt *q, struct status_table *t)
{
    int c = 0;
    t->id = (int)db_int(q, c++, 0);
    t->schema = db_text(q, c++);
    t->name = db_text(q, c++);
    t->phase = db_text(q, c++);
    t->rows_copied = db_int(q, c++, 0);
    t->bytes_copied = db_int(q, c++, 0);
    t->bytes_total = db_int(q, c++, 0);
    t->rate_bytes_per_second = t->eta_seconds = -1;
    t->owed_rows = db_int(q, c++, -1);
    t->error = db_text(q, c++);
}

static bool load_tables(struct state *s, struct status *st, struct err *e)
{
    sqlite3_stmt *q;
    if (!db_prepare(s, sql_state_table_load, NULL, 0, &q, e))
        return false;
    bool ok, row;
    size_t cap = 0;
    while ((ok = db_step(s, q, &row, e)) && row) {
        if (st->ntables == cap) {
            cap = cap != 0 ? cap * 2 : 16;
            st->tables = xrealloc(st->tables, cap * sizeof *st->tables);
        }
        load_table(q, &st->tables[st->ntables++]);
    }
    sqlite3_finalize(q);
    return ok;
}

bool state_load_status(struct state *s, struct status *st, struct err *e)
{
    status_unknown(st);
    /* One transaction, so that head and tables belong together beside a running engine. */
    if (!db_script(s, "BEGIN", e))
        return false;
    sqlite3_stmt *q;
    bool row = false;
    bool ok = db_prepare(s, sql_state_status_load, NULL, 0, &q, e);
    if (ok) {
        ok = db_step(s, q, &row, e);
        if (ok && row)
            load_head(q, st);
        sqlite3_finalize(q);
    }
    ok = db_end(s, ok && load_tables(s, st, e), e);
    if (!ok)
        status_free(st);
    return ok;
}
