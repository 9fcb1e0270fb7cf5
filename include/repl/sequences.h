/* Sequences: what both sides have, and which are to be moved on. Never backwards. */
#ifndef REPL_SEQUENCES_H
#define REPL_SEQUENCES_H

#include "repl/flow.h"
#include "repl/pg.h"

struct sequence {
    const char *schema, *name;
    const char *sql; /* quoted and qualified */
    int64_t value;
    bool called; /* nextval was ever called; value is meaningless where not */
    bool up;
    bool locked; /* by somebody, and not waited for */
    bool cycles; /* begins again at its end: neither of two values is further on */
};

struct sequences {
    struct sequence *items;
    size_t count;
};

/* Every sequence of the database but repl's own, in name order; one query. */
bool sequences_read(struct conn *c, const char *own_schema, struct arena *a, struct sequences *out,
                    struct err *e) MUST_CHECK;
/* The same without waiting for anybody: one that is locked counts as if it never gave a value. */
bool sequences_look(struct conn *c, const char *own_schema, struct arena *a, struct sequences *out,
                    struct err *e) MUST_CHECK;
/* One of source that is locked, and that target has; NULL: none. Pure. */
const struct sequence *sequences_locked(const struct sequences *source, const struct sequences *target);
/* target now has these values. Pure. */
void sequences_note(struct sequences *target, const struct sequence_value *set, size_t count);
/* Those of source that target has and that stand further on there: what to set. Pure. */
void sequences_ahead(const struct sequences *source, const struct sequences *target, struct arena *a,
                     struct sequence_value **out, size_t *count);

/* Those that cycle and are not where the source's are: what to set, in whatever direction. Behind a fence, when the source's
 * value is the last one. Pure. */
void sequences_cycled(const struct sequences *source, const struct sequences *target, struct arena *a,
                      struct sequence_value **out, size_t *count);
/* The next one from *at on that does not cycle and is further on at the target, since the source's was set back; NULL behind the
 * last. *there is the target's. Pure. */
const struct sequence *sequences_set_back(const struct sequences *source, const struct sequences *target,
                                          size_t *at, const struct sequence **there);
/* What sets the target's to where the source's is, to be typed; the arena's. */
char *sequence_set_back_sql(struct arena *a, const struct sequence *source);

/* Those of the source that would not begin with their START (setval with false, RESTART) begin there on the target
 * too, where they are and gave no value either. The others are sequences_read's. */
bool sequences_begin(struct conn *source, struct conn *target, const char *own_schema,
                     struct err *e) MUST_CHECK;

#endif
