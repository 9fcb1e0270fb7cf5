#include "rounds.h"

#include <stdlib.h>

#include "drift.h"
#include "repl/clock.h"

/* So many in a row are ordinary; so many are reported, and once more whenever they have doubled. */
enum { ROUNDS = 3, ORDINARY = 3, MANY = 12, REST_LEAST_MS = 5, REST_MOST_MS = 2000 };

struct rounds {
    struct row {
        unsigned count, tell_at;
        uint64_t since_ms, until_ms;
        const char *what, *hint;
    } rows[ROUNDS];
};

struct rounds *rounds_new(void)
{
    return xcalloc(1, sizeof(struct rounds));
}

void rounds_free(struct rounds *r)
{
    free(r);
}

static uint64_t rest(unsigned count)
{
    uint64_t ms = REST_LEAST_MS;
    for (unsigned i = ORDINARY; i < count && ms < REST_MOST_MS; i++)
        ms *= 2;
    return ms < REST_MOST_MS ? ms : REST_MOST_MS;
}

static void describe(const struct row *r, struct err *e)
{
    err_set(e, ERR_NOT_YET, "%s, %u times in a row for %.0f s", r->what, r->count,
            (double)(clock_ms() - r->since_ms) / 1e3);
    err_hint(e, "%s", r->hint);
}

unsigned rounds_in_vain(struct engine *g, enum round kind, const char *what)
{
    struct row *r = &g->rounds->rows[kind];
    struct err e;
    uint64_t now = clock_ms();
    if (r->count++ == 0) {
        r->since_ms = now;
        r->tell_at = MANY;
    }
    r->what = what;
    r->hint = kind == ROUND_PASSES ? "raise batch_rows and batch_bytes in repl.conf and type repl stop, repl "
                                     "start; or wait until the "
                                     "source is written more slowly"
                                   : "repl log says what was done; if it goes on: repl stop, repl start";
    if (kind != ROUND_PASSES && r->count > ORDINARY)
        r->until_ms = now + rest(r->count);
    if (r->count >= r->tell_at) {
        r->tell_at *= 2;
        describe(r, &e);
        engine_say(g, LOG_WARN, NULL, "%s", e.text);
    }
    return r->count;
}

static void forget(struct engine *g, enum round kind)
{
    struct row *r = &g->rounds->rows[kind];
    if (r->count >= MANY)
        engine_say(g, LOG_INFO, NULL, "it is over, after %u times: %s", r->count, r->what);
    *r = (struct row){0};
}

void rounds_moved(struct engine *g)
{
    forget(g, ROUND_LOOKS);
    forget(g, ROUND_OPENINGS);
}

void rounds_caught_up(struct engine *g)
{
    rounds_moved(g);
    forget(g, ROUND_PASSES);
}

uint64_t rounds_rest_ms(const struct engine *g, enum round kind)
{
    uint64_t until = g->rounds->rows[kind].until_ms, now = clock_ms();
    return until > now ? until - now : 0;
}

void rounds_status(const struct engine *g, struct status *out)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        struct err e = {0};
        if (g->rounds->rows[i].count < MANY)
            continue;
        describe(&g->rounds->rows[i], &e);
        drift_tell(out, &e);
    }
}
