/*
 * Where a table's first rows come from, where that is not the source itself: a fork of it that is copied from, or a copy
 * that the target was restored from. Why their rows can be taken: docs/architecture.md, "Rows from a fork".
 */
#ifndef REPL_ORIGIN_H
#define REPL_ORIGIN_H

#include "repl/sync.h"

/* ---- a copy of the source, and a fork to copy from (fork.c) ---- */

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

/* It is a fork of the source, made after capture was installed. Of a relation that it does not have as the source has it
 * now, unfit says why it has to wait, and what to do; one each, of kind ERR_NONE where it fits. */
bool fork_fits(struct conn *fork, struct conn *source, const struct capture *c, const struct relations *l,
               struct err *unfit, struct err *e) MUST_CHECK;
/* The relations are on the source what they were when their shapes were read, so the fork's rows are theirs. */
bool fork_fits_still(struct conn *source, const struct capture *c, const struct relations *l,
                     struct err *e) MUST_CHECK;
/* Nobody has written to these relations of the fork. Their deltas on the source must still be whole. */
bool fork_stood_still(struct conn *fork, struct conn *source, const struct capture *c,
                      const struct relations *l, struct err *e) MUST_CHECK;

/* ---- the rows that a target was restored with (seed.c) ---- */

enum seed_has {
    SEED_GIVES,
    SEED_EMPTY,      /* no row there, or no table: it is copied from the source */
    SEED_UNCAPTURED, /* rows from before the table was captured */
    SEED_PARTLY      /* an unlogged partition, whose rows a fork does not have */
};

/* Which of the source's relations hold rows on the target; has_rows is false for each before, in their order. */
bool seed_rows(struct conn *source, struct conn *target, const char *own_schema, const struct relations *l,
               struct arena *a, bool *has_rows, struct err *e) MUST_CHECK;

/* What the target was restored with of each relation of the source (with ids), in their order. */
bool seed_has(struct conn *target, struct conn *source, const struct capture *c, const struct relations *l,
              struct arena *a, enum seed_has **out, struct err *e) MUST_CHECK;

/* The sync wants a seed, and the target is still to be restored. */
bool seed_awaited(const struct sync *s, struct conn *target, const struct target_state *state, bool *out,
                  struct err *e) MUST_CHECK;

/* Those whose rows are taken. */
struct relations seed_taken(const struct relations *l, const enum seed_has *has, struct arena *a);

#endif
