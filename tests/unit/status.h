/* A status to show. */
#ifndef TESTS_STATUS_H
#define TESTS_STATUS_H

#include "unit.h"

#include "repl/status.h"

/* A status of so many tables that all follow; status_free frees it. */
static inline struct status following(size_t ntables)
{
    struct status s = {.phase = PHASE_FOLLOWING, .lag_seconds = 0.2, .owed_rows = 1234, .consistent = true};
    s.engine.running = true;
    s.engine.pid = 4711;
    s.engine.version = strdup("0.1.0");
    s.engine.since = strdup("2026-01-30T22:00:00.000Z");
    s.position = strdup("100:105:101");
    s.copy.rate_bytes_per_second = s.copy.eta_seconds = -1;
    s.last_batch.at = strdup("2026-01-31T01:59:57.500Z");
    s.last_batch.tables = 2;
    s.last_batch.rows_upserted = 1200;
    s.last_batch.rows_deleted = 3;
    s.last_batch.bytes = 45000;
    s.last_batch.seconds = 0.12;
    s.ntables = ntables;
    s.tables = calloc(ntables, sizeof *s.tables);
    for (size_t i = 0; i < ntables; i++) {
        char name[32];
        snprintf(name, sizeof name, "t%02zu", i);
        s.tables[i] = (struct status_table){.schema = strdup("public"),
                                            .name = strdup(name),
                                            .phase = strdup("following"),
                                            .bytes_total = 1000};
    }
    return s;
}

/* Another text in its place. */
static inline void set(char **text, const char *to)
{
    free(*text);
    *text = strdup(to);
}

#endif
