#include <stdlib.h>

#include "conn_private.h"

bool listen_start(struct conn *c, const char *channel, struct err *e)
{
    struct buf b = {0};
    buf_puts(&b, "LISTEN ");
    sql_ident(&b, channel);
    bool ok = pg_exec(c, b.data, e);
    buf_free(&b);
    return ok;
}

bool listen_drain(struct conn *c, bool *rang, struct err *e)
{
    *rang = false;
    if (PQconsumeInput(c->pg) == 0)
        return conn_fail(c, e);
    for (PGnotify *n = PQnotifies(c->pg); n != NULL; n = PQnotifies(c->pg)) {
        *rang = true;
        PQfreemem(n);
    }
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return conn_fail(c, e);
    return true;
}
