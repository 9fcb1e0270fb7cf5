#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "conn_private.h"
#include "repl/clock.h"

struct result {
    PGresult *res;
    struct conn
        *conn; /* that it came by, and that is given up where it has another shape than was asked for */
};

void result_free(struct result *r)
{
    if (r == NULL)
        return;
    PQclear(r->res);
    free(r);
}

static struct result *wrap(struct conn *c, PGresult *res)
{
    struct result *r = xmalloc(sizeof *r);
    *r = (struct result){.res = res, .conn = c};
    return r;
}

/*
 * The one place where a value is taken, so the one place where the shape of an answer is looked at. A server that answers
 * with fewer rows or columns than were asked for is none that repl can work with: whoever reads on reads nothing, the
 * connection is not used again, and the command ends with that error (pg_answers_fit).
 */
static bool is_there(const struct result *r, int row, int col)
{
    if (row >= 0 && row < PQntuples(r->res) && col >= 0 && col < PQnfields(r->res))
        return true;
    conn_misshapen(r->conn, PQntuples(r->res), PQnfields(r->res));
    return false;
}

int result_rows(const struct result *r)
{
    return PQntuples(r->res);
}

int result_columns(const struct result *r)
{
    return PQnfields(r->res);
}

bool result_null(const struct result *r, int row, int col)
{
    return !is_there(r, row, col) || PQgetisnull(r->res, row, col) != 0;
}

const char *result_text(const struct result *r, int row, int col)
{
    return is_there(r, row, col) ? PQgetvalue(r->res, row, col) : "";
}

int64_t result_int(const struct result *r, int row, int col)
{
    return strtoll(result_text(r, row, col), NULL, 10);
}

bool result_bool(const struct result *r, int row, int col)
{
    return result_text(r, row, col)[0] == 't';
}

int64_t result_affected(const struct result *r)
{
    return strtoll(PQcmdTuples(r->res), NULL, 10);
}

bool conn_get_result(struct conn *c, PGresult **out, struct err *e)
{
    short ready;
    if (!conn_flush(c, e))
        return false;
    while (PQisBusy(c->pg)) {
        if (!conn_wait(c, POLLIN, 0, &ready, e))
            return false;
        if (PQconsumeInput(c->pg) == 0)
            return conn_fail(c, e);
    }
    *out = PQgetResult(c->pg);
    return true;
}

bool pg_send(struct conn *c, const char *sql, struct err *e)
{
    if (!conn_usable(c) || PQsendQuery(c->pg, sql) == 0)
        return conn_fail(c, e);
    return conn_flush(c, e);
}

bool pg_send_for_rows(struct conn *c, const char *sql, struct err *e)
{
    if (!conn_usable(c) || PQsendQuery(c->pg, sql) == 0 || PQsetSingleRowMode(c->pg) == 0)
        return conn_fail(c, e);
    return conn_flush(c, e);
}

/* Takes what is left of a failed statement, so that the next one finds a clean connection. */
static void drain(struct conn *c)
{
    struct err ignored; /* the first error is the one that is told */
    PGresult *res = NULL;
    while (conn_get_result(c, &res, &ignored) && res != NULL) {
        ExecStatusType status = PQresultStatus(res);
        PQclear(res);
        if (status == PGRES_COPY_IN && PQputCopyEnd(c->pg, "repl gave up") < 0)
            break;
        char piece[8192];
        size_t len = 1;
        uint64_t rows;
        while (status == PGRES_COPY_OUT && len != 0)
            if (!copy_read(c, piece, sizeof piece, &len, &rows, &ignored))
                return;
        if (PQstatus(c->pg) == CONNECTION_BAD)
            break;
    }
    if (PQstatus(c->pg) == CONNECTION_BAD)
        c->lost = true;
}

bool pg_next(struct conn *c, enum pg_event *event, struct result **out, struct err *e)
{
    PGresult *res = NULL;
    if (!conn_get_result(c, &res, e))
        return false;
    if (res == NULL) {
        *event = PG_END;
        return true;
    }
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        *event = PG_RESULT;
        *out = wrap(c, res);
        return true;
    }
    if (status == PGRES_SINGLE_TUPLE) {
        *event = PG_ROW;
        *out = wrap(c, res);
        return true;
    }
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN) {
        *event = status == PGRES_COPY_OUT ? PG_COPY_OUT : PG_COPY_IN;
        PQclear(res);
        return true;
    }
    conn_result_error(c, res, e);
    PQclear(res);
    drain(c);
    return false;
}

bool pg_rows(struct conn *c, bool (*take)(void *arg, const struct result *row, struct err *e), void *arg,
             struct err *e)
{
    for (;;) {
        enum pg_event event = PG_END;
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e))
            return false;
        bool ok =
            event == PG_RESULT || (event == PG_ROW ? take == NULL || take(arg, r, e)
                                                   : err_set(e, ERR_SQL, "the server answered out of order"));
        result_free(r);
        if (!ok || event == PG_RESULT)
            return ok;
    }
}

bool pg_end(struct conn *c, struct err *e)
{
    enum pg_event event = PG_RESULT;
    while (event != PG_END) {
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e))
            return false;
        result_free(r);
        if (event == PG_COPY_IN || event == PG_COPY_OUT)
            return err_set(e, ERR_SQL, "the server answered out of order");
    }
    return true;
}

bool pg_exec(struct conn *c, const char *sql, struct err *e)
{
    uint64_t began = clock_us();
    if (!pg_send(c, sql, e) || !pg_end(c, e))
        return false;
    uint64_t took = clock_us() - began;
    if (c->trip_us == 0 || took < c->trip_us)
        c->trip_us = took;
    return true;
}

bool pg_query(struct conn *c, const char *sql, int nparams, const char *const *params, struct result **out,
              struct err *e)
{
    if (!conn_usable(c) || PQsendQueryParams(c->pg, sql, nparams, NULL, params, NULL, NULL, 0) == 0)
        return conn_fail(c, e);
    return conn_one_result(c, out, e);
}

bool conn_one_result(struct conn *c, struct result **out, struct err *e)
{
    enum pg_event event = PG_END;
    *out = NULL;
    if (!pg_next(c, &event, out, e))
        return false;
    if (event != PG_RESULT) {
        result_free(*out);
        *out = NULL;
        c->lost = true;
        err_set(e, ERR_CONN, "the server answered a query with something that is no result");
        conn_set_side(c, e);
        return false;
    }
    while (event != PG_END) {
        struct result *more = NULL;
        bool ok = pg_next(c, &event, &more, e);
        result_free(more);
        if (ok && event != PG_COPY_IN && event != PG_COPY_OUT)
            continue;
        result_free(*out);
        *out = NULL;
        if (ok) {
            c->lost = true;
            err_set(e, ERR_CONN, "the server answered out of order");
        }
        return false;
    }
    return true;
}

bool pg_value_or_null(struct conn *c, const char *sql, int nparams, const char *const *params, char **out,
                      struct err *e)
{
    struct result *r = NULL;
    *out = NULL;
    if (!pg_query(c, sql, nparams, params, &r, e))
        return false;
    bool one = r != NULL && result_rows(r) == 1 && result_columns(r) >= 1;
    if (one && !result_null(r, 0, 0))
        *out = xstrdup(result_text(r, 0, 0));
    result_free(r);
    return one || err_set(e, ERR_SQL, "one row was expected of: %.200s", sql);
}

bool pg_value(struct conn *c, const char *sql, int nparams, const char *const *params, char **out,
              struct err *e)
{
    if (!pg_value_or_null(c, sql, nparams, params, out, e))
        return false;
    return *out != NULL || err_set(e, ERR_SQL, "a value was expected of: %.200s", sql);
}

/* An end that is wanted at once waits for nobody: the server rolls back when the connection is gone. */
static bool is_hurried(const struct conn *c)
{
    return interrupt_level(c->interrupt) == INTERRUPT_NOW;
}

static void end_statement(struct conn *c, unsigned cancel_ms)
{
    struct err ignored; /* what comes next finds out */
    conn_cancel(c, cancel_ms);
    if (is_hurried(c))
        return;
    bool flushed = PQputCopyEnd(c->pg, "repl gave up") < 0 || conn_flush(c, &ignored);
    (void)flushed;
    char piece[8192];
    size_t len = 1;
    uint64_t rows;
    while (len != 0 && copy_read(c, piece, sizeof piece, &len, &rows, &ignored))
        continue;
    drain(c);
}

void pg_reset(struct conn *c)
{
    enum { RESET_MS = 5000, CANCEL_MS = 2000, CANCEL_HURRIED_MS = 300 };
    struct err ignored; /* a connection that cannot be saved says so through conn_usable */
    if (!conn_usable(c) || PQtransactionStatus(c->pg) == PQTRANS_IDLE)
        return;
    const enum interrupt_level level = c->give_up_at;
    const uint64_t until = c->until_ms;
    /* The way back is short, and is gone to its end, unless an end at once is wanted. */
    c->give_up_at = INTERRUPT_NOW;
    c->until_ms = clock_ms() + RESET_MS;
    if (PQtransactionStatus(c->pg) == PQTRANS_ACTIVE)
        end_statement(c, is_hurried(c) ? CANCEL_HURRIED_MS : CANCEL_MS);
    if (conn_usable(c) && PQtransactionStatus(c->pg) != PQTRANS_IDLE &&
        (is_hurried(c) || !pg_exec(c, "ROLLBACK", &ignored)))
        c->lost = true;
    c->give_up_at = level;
    c->until_ms = until;
}
