/* The values of repl.conf, filled by config.c. */
#ifndef REPL_ENGINE_SETTINGS_H
#define REPL_ENGINE_SETTINGS_H

#include <stdint.h>

#include "repl/err.h"

struct settings {
    int64_t answer_ms;    /* how long repl waits for a server's answer before it looks into it, or gives up */
    int64_t batch_bytes;  /* the same for their estimated size */
    int64_t batch_rows;   /* above this a backlog is caught up in steps */
    int64_t chunk_by_key; /* ranges of keys where ranges of blocks would do */
    int64_t chunk_max_bytes;
    int64_t chunk_min_bytes;
    int64_t connections_spare; /* of the source, that are left to the application */
    int64_t delta_max_bytes;   /* deltas above which batches become rarer */
    int64_t fan_out_rows;      /* of a batch, for each further worker */
    int64_t lock_timeout_ms;   /* how long repl's readers wait behind somebody's DDL, before it tries again */
    int64_t poll_ms;           /* the longest an idle engine goes without looking */
    int64_t rest_ms;           /* longest rest between two batches while changes come steadily */
    int64_t retry_max_ms;
    int64_t ring_anyway;   /* NOTIFY although the source can prepare transactions */
    int64_t rotate_bytes;  /* the delta tables change sides when the active ones hold as much */
    int64_t sleep_ms;      /* without a change, before a table is looked at no more */
    int64_t sleep_tables;  /* up to so many are always looked at */
    int64_t slice_ms;      /* of reading, in one source transaction; it is given up at SLICE_MOST of them */
    int64_t step_rows;     /* delta rows of one step of catching up */
    int64_t survey_ms;     /* between two looks at the catalogs of both sides */
    int64_t wal_max_bytes; /* WAL that the source keeps above which repl becomes slow */
    int64_t watch_ms;      /* between two looks at what the source bears */
};

enum { SLICE_MOST = 6 };

/* Defaults, then DIR/repl.conf where it is there. ERR_CONFIG names file, line, and what is valid. */
bool settings_load(const char *dir, struct settings *out, struct err *e) MUST_CHECK;

#endif
