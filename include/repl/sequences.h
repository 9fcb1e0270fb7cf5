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

/* Those of the source that would not begin with their START (setval with false, RESTART) begin there on the target
 * too, where they are and gave no value either. The others are sequences_read's. */
bool sequences_begin(struct conn *source, struct conn *target, const char *own_schema,
                     struct err *e) MUST_CHECK;

#endif
