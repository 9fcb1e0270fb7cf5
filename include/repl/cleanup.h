/* Removes every trace of repl on both sides but the copied tables (docs/cleanup.md). */
#ifndef REPL_CLEANUP_H
#define REPL_CLEANUP_H

#include "repl/sync.h"

/* What cleanup would remove, one line each; works without state where source and target are given. */
bool cleanup_list(const struct sync *s, struct arena *a, struct strlist *out, struct err *e) MUST_CHECK;

/* Whether a cutover has closed the source, and who is connected to it: *out gets the lines that say so. */
bool cleanup_closed(const struct sync *s, struct arena *a, struct strlist *out, bool *closed,
                    struct err *e) MUST_CHECK;

/* What becomes of a source that a cutover has closed. */
enum cleanup_source { CLEANUP_SOURCE_UNDECIDED, CLEANUP_SOURCE_REOPENED, CLEANUP_SOURCE_READ_ONLY };

struct cleanup_how {
    enum cleanup_source source;
    bool emergency; /* in haste, and repl's own sessions on both sides are ended */
    say_fn say;
    void (*application_is_free)(void *arg); /* called once capture does nothing on either side; may be NULL */
    void *arg;
};

/* Removes it: source, target, then the state directory's files. Can be run again. */
bool cleanup_run(const struct sync *s, const struct cleanup_how *how, struct err *e) MUST_CHECK;

#endif
