/* Measuring the wire: a few seconds of COPY out of the source's own pages, and of the same rows into the target. */
#ifndef REPL_CHECK_PROBE_H
#define REPL_CHECK_PROBE_H

#include "repl/sync.h"

/* What is read: ranges of blocks, spread over the largest tables. */
struct probe_slice {
    const struct relation *table;
    const char *sql; /* the COPY */
    double bytes;    /* of pages and TOAST that it reads */
};

/* Rows as COPY has them, to be sent again and again. */
struct probe_sample {
    struct buf rows; /* whole rows, without header and trailer */
    bool binary;
};

struct probe {
    const struct sync *s;
    bool may_write;             /* this role may make a schema on the target, or repl's is there */
    bool make_schema;           /* it is not */
    bool fork;                  /* the rows are read from there */
    const char *search_path;    /* of the application, under which they are */
    struct probe_slice *slices; /* may be empty */
    size_t nslices;
    /* Filled by probe_run; negative where it could not be measured. */
    double source_rate, target_rate; /* bytes of COPY a second */
    double stretch;                  /* bytes of COPY for a byte of pages */
    double index_rate;               /* bytes of index a second */
};

/* Chooses what to read; in the arena. Pure but for asking which heaps there are. */
bool probe_plan(struct probe *p, struct conn *rows, const struct relation *const *tables, size_t n,
                struct arena *a, struct err *e) MUST_CHECK;

/* Reads and writes, a few seconds each, over s->jobs connections a side. What is made on the target is rolled back. */
bool probe_run(struct probe *p, struct err *e) MUST_CHECK;

/* How much of the first len bytes of a COPY are whole rows: where they begin and end. Pure. */
void probe_cut(const char *data, size_t len, bool binary, size_t *from, size_t *to);

/* Leaves the whole rows; false where there is none. */
bool probe_sample_cut(struct probe_sample *s);

#endif
