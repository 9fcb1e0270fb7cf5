/* Where the tables of a target stand, as capture wants to hear it. */
#include "repl/ops.h"

struct positions target_positions(const struct target_state *t, struct arena *a)
{
    struct table_position *own = arena_alloc(a, (t->nrelations + 1) * sizeof *own);
    size_t n = 0;
    for (size_t i = 0; i < t->nrelations; i++) {
        const struct target_relation *r = &t->relations[i];
        if (!r->copied || r->snapshot != NULL)
            own[n++] = (struct table_position){.id = r->id, .snapshot = r->copied ? r->snapshot : ""};
    }
    return (struct positions){.snapshot = t->snapshot, .own = own, .nown = n};
}
