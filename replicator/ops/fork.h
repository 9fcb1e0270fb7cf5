/* What a copy of the source can give. */
#ifndef REPL_OPS_FORK_H
#define REPL_OPS_FORK_H

#include "repl/ops.h"

/* The copy carries the capture of this sync, from the history of the source that goes on now. ERR_CONFIG says why not,
 * and what to do instead. c: as found on the source. */
bool copy_has_capture(struct conn *copy, struct conn *source, const struct capture *c,
                      struct err *e) MUST_CHECK;

enum copy_has {
    COPY_GIVES,
    COPY_UNCAPTURED, /* the copy was made before this table was captured */
    COPY_LACKS,      /* the table was made after the copy */
    COPY_ALTERED,    /* columns or unique indexes are others now */
    COPY_UNLOGGED    /* its rows do not come with a fork */
};

/* What a fork has of each relation of the source, in their order. */
bool fork_has(struct conn *fork, struct conn *source, const struct capture *c, const struct relations *l,
              struct arena *a, enum copy_has **out, struct err *e) MUST_CHECK;

/* The fork is a physical copy of the source, and not the source itself. */
bool fork_is_one(struct conn *fork, struct conn *source, struct err *e) MUST_CHECK;

#endif
