#include <stdlib.h>

#include "conn_private.h"
#include "repl/clock.h"

bool listen_start(struct conn *c, const char *channel, struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, "LISTEN ");
    sql_ident(&b, channel);
    bool ok = pg_exec(c, b.data, e);
    buf_free(&b);
    return ok;
}

/* Answers to the questions for a sign of life. */
static void take_answers(struct conn *c)
{
    while (c->pinged && !PQisBusy(c->pg)) {
        PGresult *r = PQgetResult(c->pg);
        c->pinged = r != NULL;
        PQclear(r);
    }
}

bool listen_drain(struct conn *c, bool *rang, struct err *e)
{
    *rang = false;
    if (PQconsumeInput(c->pg) == 0)
        return conn_fail(c, e);
    c->heard_ms = clock_ms();
    take_answers(c);
    for (PGnotify *n = PQnotifies(c->pg); n != NULL; n = PQnotifies(c->pg)) {
        *rang = true;
        PQfreemem(n);
    }
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return conn_fail(c, e);
    return true;
}

bool listen_probe(struct conn *c, struct err *e)
{
    const uint64_t now = clock_ms();
    const unsigned patience = pg_patience_ms();
    if (c->pinged) {
        if (PQflush(c->pg) < 0)
            return conn_fail(c, e);
        if (now - c->pinged_ms < patience)
            return true;
        c->lost = true;
        err_set(e, ERR_CONN, "no sign of life on the control connection for %.1f s",
                (double)(now - c->heard_ms) / 1e3);
        conn_set_side(c, e);
        return err_hint(e, "look at the network to the %s, and at its server's load", side_name(c->side));
    }
    if (now - c->heard_ms < patience / 2)
        return true;
    if (PQsendQuery(c->pg, "SELECT 1") == 0 || PQflush(c->pg) < 0)
        return conn_fail(c, e);
    c->pinged = true;
    c->pinged_ms = now;
    return true;
}
