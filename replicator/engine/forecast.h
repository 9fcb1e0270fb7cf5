/* How long the first copy still takes, while some of its workers may turn to indexes (forecast.c). */
#ifndef REPL_ENGINE_FORECAST_H
#define REPL_ENGINE_FORECAST_H

#include "repl/status.h"

#include "eta.h"

struct engine;

struct forecast {
    struct course {
        struct eta eta;
        double done; /* work while it held */
    } alone,         /* every worker copies */
        beside;      /* some build indexes, or wait to */
    double left;     /* work, when last fed */
    double waits;    /* share of the copying sessions on the target that wait for rows, averaged */
    unsigned nwaits; /* over so many answers */
    bool asking;
};

/* So much is done now, as status has it; or time goes by in which nothing could be. */
void forecast_feed(struct engine *g, uint64_t now_ms, const struct status *status);
void forecast_skip(struct engine *g, uint64_t now_ms);
/* With other workers or another rate what was measured is no measure. */
void forecast_forget(struct engine *g);
/* Until every row is there; negative: not known yet. */
double forecast_seconds(const struct engine *g, const struct status *status);
/* About once a second: asks the target what the copying sessions wait for. */
void forecast_watch(struct engine *g);

#endif
