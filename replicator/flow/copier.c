/*
 * The hot path. Bytes go from libpq's input buffer of one connection through one buffer on the stack of bytes to
 * the other connection; rows are never taken apart. While the target is slow, nothing is read; while the source is
 * slow, the target works on what it has: the socket buffers between are what lets both servers run at once.
 */
#include <stdlib.h>

#include "repl/clock.h"
#include "repl/fault.h"
#include "repl/flow.h"
#include "streams.h"

enum { BUFFER_SIZE = 128 * 1024 };

/* Whether the copy has to end here. */
static bool is_over(struct copy_progress *p)
{
    uint64_t until = atomic_load_explicit(&p->until_ms, memory_order_relaxed);
    bool limited = p->limited_until_ms != 0 && throttle_limit(p->throttle) != 0;
    if (until == 0 && !limited)
        return false;
    uint64_t now = clock_ms();
    p->given_up = (until != 0 && now >= until) || (limited && now >= p->limited_until_ms);
    return p->given_up;
}

/* What was read has been taken care of: counts it, and pays for it. */
static bool account(struct conn *source, struct copy_progress *p, size_t len, uint64_t rows, struct err *e)
{
    atomic_fetch_add_explicit(&p->rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->bytes, len, memory_order_relaxed);
    fault_point("copier.rows");
    if (!throttle_pay(p->throttle, source, len, e))
        return false;
    return !is_over(p) || err_set(e, ERR_STOPPED, "given up, to be begun again");
}

/* The end of the data may be the beginning of an error: the source's own word on it comes before the target is told
 * that all is there. */
static bool source_ended(struct conn *source, struct err *e)
{
    struct result *r;
    bool ok = stream_result(source, &r, e) || stream_too_wide(e);
    result_free(r);
    return ok;
}

static bool pump(struct conn *source, struct conn *target, struct copy_progress *p, char *buffer,
                 struct err *e)
{
    for (;;) {
        size_t len;
        uint64_t rows;
        if (!copy_read(source, buffer, throttle_piece(p->throttle, BUFFER_SIZE), &len, &rows, e))
            return false;
        if (len == 0)
            return source_ended(source, e) && copy_finish(target, e);
        if (!copy_write(target, buffer, len, e) || !account(source, p, len, rows, e))
            return false;
    }
}

bool copier_run(struct conn *source, struct conn *target, struct copy_progress *p, struct err *e)
{
    char *buffer = xmalloc(BUFFER_SIZE);
    bool ok = pump(source, target, p, buffer, e);
    free(buffer);
    return ok;
}

static bool gather(struct conn *source, struct buf *out, size_t cap, struct copy_progress *p, bool *ended,
                   char *buffer, struct err *e)
{
    for (*ended = false; out->len < cap;) {
        size_t len;
        uint64_t rows;
        if (!copy_read(source, buffer, throttle_piece(p->throttle, BUFFER_SIZE), &len, &rows, e))
            return false;
        *ended = len == 0;
        if (*ended)
            return source_ended(source, e);
        buf_add(out, buffer, len);
        if (!account(source, p, len, rows, e))
            return false;
    }
    return true;
}

bool copier_gather(struct conn *source, struct buf *out, size_t cap, struct copy_progress *p, bool *ended,
                   struct err *e)
{
    char *buffer = xmalloc(BUFFER_SIZE);
    bool ok = gather(source, out, cap, p, ended, buffer, e);
    free(buffer);
    return ok;
}
