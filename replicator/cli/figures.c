#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "repl/mem.h"
#include "repl/str.h"

const char *count_text(char *out, size_t size, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < size; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

double fraction(int64_t done, int64_t total)
{
    if (total <= 0)
        return 0;
    double f = (double)done / (double)total;
    return f < 0 ? 0 : f > 1 ? 1 : f;
}

enum phase phase_of_work(const struct status *s)
{
    return s->phase == PHASE_PAUSED || s->phase == PHASE_RETRYING ? s->reached : s->phase;
}

bool is_copying(const struct status *s)
{
    enum phase p = phase_of_work(s);
    return p == PHASE_COPYING || p == PHASE_INDEXING;
}

enum color state_color(const struct status *s)
{
    if (s->state == STATE_FAILED || s->phase == PHASE_FAILED)
        return COLOR_RED;
    return s->state != STATE_OK || s->phase == PHASE_PAUSED || s->phase == PHASE_STOPPED ||
                   s->phase == PHASE_FENCED
               ? COLOR_YELLOW
               : COLOR_GREEN;
}

char *status_reason(const struct status *s)
{
    char took[32];
    const struct status_side *silent = s->source.silent_seconds > 0   ? &s->source
                                       : s->target.silent_seconds > 0 ? &s->target
                                                                      : NULL;
    const char *down = s->source.error != NULL ? "source" : s->target.error != NULL ? "target" : NULL;
    if (s->state != STATE_OK && s->nerrors != 0) {
        const struct status_error *x = &s->errors[0];
        const char *where = x->table != NULL ? x->table : down;
        bool named = where == NULL || strstr(x->message, where) != NULL;
        return xasprintf("%s%s%s", named ? "" : where, named ? "" : ": ", x->message);
    }
    if (silent != NULL)
        return xasprintf("the %s has not answered for %s", silent == &s->source ? "source" : "target",
                         str_duration(took, sizeof took, silent->silent_seconds));
    if (s->phase == PHASE_PAUSED)
        return xstrdup("the engine is paused");
    if (s->nwaits != 0)
        return xasprintf("%s: %s, for %s", s->waits[0].side, s->waits[0].step,
                         str_duration(took, sizeof took, s->waits[0].seconds));
    return NULL;
}

bool table_is(const struct status_table *t, const char *phase)
{
    return t->phase != NULL && strcmp(t->phase, phase) == 0;
}

void add_copy_figures(struct buf *b, const struct status *s)
{
    char done[32], total[32], rate[32], eta[32];
    buf_printf(b, "%s of %s", str_bytes(done, sizeof done, (double)s->copy.bytes_done),
               str_bytes(total, sizeof total, (double)s->copy.bytes_total));
    if (s->copy.rate_bytes_per_second > 0)
        buf_printf(b, ", %s/s", str_bytes(rate, sizeof rate, s->copy.rate_bytes_per_second));
    if (s->copy.eta_seconds >= 0)
        buf_printf(b, ", ETA %s, then indexes", str_duration(eta, sizeof eta, s->copy.eta_seconds));
}

void add_catch_up_figures(struct buf *b, const struct status *s)
{
    char rows[32], rate[32], eta[32];
    buf_printf(b, "%s rows", count_text(rows, sizeof rows, s->catch_up.rows_done));
    if (s->catch_up.rate_rows_per_second >= 0)
        buf_printf(b, ", %s rows/s",
                   count_text(rate, sizeof rate, (int64_t)s->catch_up.rate_rows_per_second));
    if (s->catch_up.eta_seconds >= 0)
        buf_printf(b, ", ETA %s", str_duration(eta, sizeof eta, s->catch_up.eta_seconds));
}

/* "index public.big_v  building index: scanning table 42 %, 12s" */
void add_step_unit(struct buf *b, const struct status_unit *u)
{
    char took[32];
    buf_printf(b, "%s  ", u->what);
    if (u->phase != NULL)
        buf_puts(b, u->phase);
    if (u->fraction >= 0)
        buf_printf(b, " %d %%", (int)(u->fraction * 100));
    buf_printf(b, "%s%s", u->phase != NULL ? ", " : "", str_duration(took, sizeof took, u->seconds));
}
