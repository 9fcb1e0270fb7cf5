/* The proof of history (repl/history.h). */
#include "repl/history.h"

#include <stdlib.h>
#include <unistd.h>

/* The first transaction id that the snapshot "xmin:xmax:..." does not know. */
static int64_t snapshot_xmax(const char *snapshot)
{
    char *end;
    strtoll(snapshot, &end, 10);
    return *end == ':' ? strtoll(end + 1, NULL, 10) : 0;
}

/* Numbers of logged writes are given out in the order of the WAL, and marks of epochs are random. A source that has the
 * target's epoch, and had it up to that number or further, has all that was written before that write, and no other
 * source has. The place in the WAL and the transaction ids say the same of the batch once more. */
static bool source_has(const struct target_mark *t, const struct slot_proof *p)
{
    return p->slot != 0 && p->known && t->number <= p->last && t->lsn <= p->lsn &&
           snapshot_xmax(t->snapshot) <= p->xmax;
}

enum history history_judge(const struct target_mark *t, const struct slot_proof *p)
{
    if (p->slot != 0 && (t->of_batch < p->applied || t->batch < p->applied_batch))
        return HISTORY_TARGET_WENT_BACK;
    if (t->source.system_identifier[0] != '\0' && !identity_equal(&t->source, &p->source))
        return HISTORY_ANOTHER_SERVER;
    /* Before the first epoch nothing was read. */
    return t->epoch == 0 || source_has(t, p) ? HISTORY_PROVEN : HISTORY_SOURCE_WENT_BACK;
}

const char *history_reason(struct arena *a, enum history h, const struct target_mark *t,
                           const struct slot_proof *p)
{
    switch (h) {
    case HISTORY_ANOTHER_SERVER:
        return arena_printf(a,
                            "the source failed over, was upgraded or was replaced (timeline %lld, was %lld)",
                            (long long)p->source.timeline, (long long)t->source.timeline);
    case HISTORY_SOURCE_WENT_BACK:
        return arena_printf(
            a,
            "the source went back to an older copy of itself (restored from a volume's or a "
            "virtual machine's snapshot?): it lacks what the target had seen of it by write %lld",
            (long long)t->number);
    case HISTORY_TARGET_WENT_BACK:
        return arena_printf(a,
                            "the target has gone back in time: it is at batch %lld, and the "
                            "source has truncated changes that the target had by batch %lld (was it "
                            "restored, or did it fail over and lose commits?)",
                            (long long)t->batch, (long long)p->applied_batch);
    default:
        return "";
    }
}

bool history_refuse(const struct target_mark *t, const struct slot_proof *p, struct err *e)
{
    struct arena *a = arena_new();
    err_set(e, ERR_CONFIG, "%s", history_reason(a, HISTORY_TARGET_WENT_BACK, t, p));
    arena_free(a);
    return err_hint(e, "changes are missing on the target; to compare both sides and bring what is missing: "
                       "repl verify --repair, then repl start; or a new copy: repl cleanup, then repl init");
}

static bool random_mark(int64_t *out, struct err *e)
{
    uint64_t bits = 0;
    while (bits == 0) {
        if (getentropy(&bits, sizeof bits) != 0)
            return err_set(e, ERR_OS, "the system has no random numbers");
        bits >>= 1; /* a positive bigint */
    }
    *out = (int64_t)bits;
    return true;
}

static bool another_target(struct err *e)
{
    err_set(e, ERR_CONFIG,
            "capture on the source has served another target, for whose sake changes were "
            "truncated there that this target may lack");
    return err_hint(e, "begin again: repl cleanup, then repl init");
}

bool history_begin(struct conn *source, struct conn *target, struct capture *c,
                   const struct target_state *state, enum history h, const struct slot_proof *p,
                   int64_t *first, struct err *e)
{
    int64_t mark = 0;
    if (!random_mark(&mark, e) || !capture_open_slot(source, c, state->mark.target, e))
        return false;
    if (c->slot == 0)
        return another_target(e);
    if (!capture_begin_epoch(source, c, mark, state->mark.number, first, e))
        return false;
    if (h == HISTORY_PROVEN)
        return target_begin_epoch(target, c->schema, mark, &p->source, e);
    struct arena *a = arena_new();
    bool ok = target_doubts(target, c->schema, state->batch, p->applied_batch, mark, *first, &p->source,
                            history_reason(a, h, &state->mark, p), e);
    arena_free(a);
    return ok;
}
