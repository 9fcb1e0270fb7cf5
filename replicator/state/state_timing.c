/* How long the first copy took: its steps, and the slowest of its tables and indexes. */
#include "repl/state.h"

#include <stdlib.h>

#include "db.h"
#include "repl/embedded.h"
#include "repl/mem.h"

enum { SLOWEST = 5 };

bool state_timing_add(struct state *s, const struct status_timing *t, struct err *e)
{
    const struct param p[] = {P_TEXT(t->kind), P_TEXT(t->name), P_REAL(t->seconds), P_INT_KNOWN(t->rows),
                              P_INT_KNOWN(t->bytes)};
    return db_run(s, sql_state_timing_add, p, sizeof p / sizeof *p, e);
}

bool state_timing_clear(struct state *s, struct err *e)
{
    return db_run(s, sql_state_timing_clear, NULL, 0, e);
}

bool state_load_timings(struct state *s, struct status *st, struct err *e)
{
    sqlite3_stmt *q;
    if (!db_prepare(s, sql_state_timing_load, &P_INT(SLOWEST), 1, &q, e))
        return false;
    bool ok, row;
    while ((ok = db_step(s, q, &row, e)) && row) {
        st->timings = xrealloc(st->timings, (st->ntimings + 1) * sizeof *st->timings);
        st->timings[st->ntimings++] = (struct status_timing){.kind = db_text(q, 0),
                                                             .name = db_text(q, 1),
                                                             .seconds = db_real(q, 2, 0),
                                                             .rows = db_int(q, 3, -1),
                                                             .bytes = db_int(q, 4, -1)};
    }
    sqlite3_finalize(q);
    return ok;
}
