/* What the files of cleanup share. */
#ifndef REPL_CLEANUP_PRIVATE_H
#define REPL_CLEANUP_PRIVATE_H

#include "repl/cleanup.h"
#include "repl/fence.h"

/* One side. */
struct removal {
    const struct sync *s;
    const struct cleanup_how *how;
    enum side side;
    struct conn *c; /* NULL: not given, or why tells */
    struct err why; /* of kind ERR_NONE: all is well so far */
    bool anything;  /* of repl's was there */
    size_t tables;
};

void removal_tell(const struct removal *m, const char *fmt, ...) PRINTF(2, 3);

/* reopen.c: the source's state; none where the schema has none. */
bool reopen_read(struct conn *db, const char *schema, struct arena *a, struct cutover_now *out,
                 struct err *e) MUST_CHECK;
/* The application is elsewhere, or may be. */
bool reopen_is_closed(const struct cutover_now *now);
/* ERR_USAGE where the source is closed and nobody has said what is to become of it; does what was said. */
bool reopen_decided(struct removal *m, struct err *e) MUST_CHECK;

#endif
