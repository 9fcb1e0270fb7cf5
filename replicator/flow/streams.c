#include "streams.h"

#include <stdio.h>
#include <string.h>

bool stream_open(struct conn *c, enum pg_event wanted, struct err *e)
{
    for (;;) {
        enum pg_event event;
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e))
            return false;
        if (event == wanted)
            return true;
        result_free(r);
        if (event != PG_RESULT)
            return err_set(e, ERR_SQL, "the server answered out of order");
    }
}

bool stream_result(struct conn *c, struct result **out, struct err *e)
{
    enum pg_event event = PG_END;
    *out = NULL;
    if (!pg_next(c, &event, out, e))
        return false;
    return event == PG_RESULT || err_set(e, ERR_SQL, "the server answered out of order");
}

/* The number and the LSN of the logged write. */
enum { WRITTEN_COLUMNS = 2 };

bool stream_end_written(struct conn *c, struct written *out, struct err *e)
{
    enum pg_event event = PG_RESULT;
    while (event != PG_END) {
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e))
            return false;
        if (event == PG_COPY_IN || event == PG_COPY_OUT)
            return err_set(e, ERR_SQL, "the server answered out of order");
        if (event != PG_END && result_rows(r) == 1 && result_columns(r) == WRITTEN_COLUMNS) {
            out->number = result_int(r, 0, 0);
            snprintf(out->lsn, sizeof out->lsn, "%s", result_text(r, 0, 1));
        }
        result_free(r);
    }
    return true;
}

bool stream_too_wide(struct err *e)
{
    /* PostgreSQL builds a row of COPY in one piece of memory, and has no SQLSTATE of its own for one that is too large. */
    bool wide = err_is(e, "54000") || strstr(e->text, "invalid memory alloc request size") != NULL ||
                strstr(e->text, "Cannot enlarge string buffer") != NULL;
    if (!wide)
        return false;
    return err_hint(
        e, "PostgreSQL cannot send or receive a row of 1 GB or more, in COPY's text bytea counts twice: "
           "make it smaller, or leave the table out: repl init --exclude TABLE");
}
