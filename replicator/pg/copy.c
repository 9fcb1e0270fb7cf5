/*
 * COPY as a stream of bytes. PQgetCopyData would allocate and copy every row; PQgetlineAsync, of the same protocol
 * code, hands the bytes straight out of libpq's input buffer, in pieces where a row is wide.
 */
#include <poll.h>

#include "conn_private.h"

/* libpq is handed no more than this at once, so its output buffer stays that small. */
enum { WRITE_PIECE = 64 * 1024 };

bool copy_read(struct conn *c, char *out, size_t cap, size_t *len, uint64_t *rows_ended, struct err *e)
{
    short ready;
    *len = 0;
    *rows_ended = 0;
    for (;;) {
        int room = (int)(cap - *len);
        int n = room > 0 ? PQgetlineAsync(c->pg, out + *len, room) : 0;
        if (n > 0) {
            *len += (size_t)n;
            *rows_ended += n < room;
            continue;
        }
        if (n < 0 || *len != 0)
            return true;
        if (PQconsumeInput(c->pg) == 0)
            return conn_fail(c, e);
        n = PQgetlineAsync(c->pg, out, (int)cap);
        if (n > 0) {
            *len = (size_t)n;
            *rows_ended = n < (int)cap;
        } else if (n < 0) {
            return true;
        } else if (!conn_wait(c, POLLIN, 0, &ready, e)) {
            return false;
        }
    }
}

bool copy_write(struct conn *c, const char *data, size_t len, struct err *e)
{
    while (len > 0) {
        size_t piece = len < WRITE_PIECE ? len : WRITE_PIECE;
        if (PQputCopyData(c->pg, data, (int)piece) != 1)
            return conn_fail(c, e);
        if (!conn_flush(c, e))
            return false;
        data += piece;
        len -= piece;
    }
    return true;
}

bool copy_finish(struct conn *c, struct err *e)
{
    if (PQputCopyEnd(c->pg, NULL) != 1)
        return conn_fail(c, e);
    return conn_flush(c, e);
}
