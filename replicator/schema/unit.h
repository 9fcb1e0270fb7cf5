/* Running DDL: several statements of a dump in one transaction, and the units that are made of them. */
#ifndef REPL_SCHEMA_UNIT_H
#define REPL_SCHEMA_UNIT_H

#include "repl/units.h"

struct statements {
    const char **sql;
    size_t count;
    bool inside;             /* the caller has a transaction open, and ends it */
    const char *settings;    /* SET LOCAL ...; NULL: none */
    const char *after;       /* a last statement of the same transaction; NULL: none */
    const char *search_path; /* NULL: none but pg_catalog, as pg_restore has it */
};

/* Runs them in one round trip. All or nothing, unless inside. The error says at which statement it was. */
bool statements_run(struct conn *c, const struct statements *s, struct err *e) MUST_CHECK;

/* ---- making plans ---- */

/* A unit of one statement, at the end of the plan. */
struct unit *unit_add(struct units *u, struct arena *a, enum unit_kind kind, int stage, const char *what,
                      const char *sql);
/* Another statement for the unit. */
void unit_also(struct unit *unit, struct arena *a, const char *sql);

/* By stage, then the largest first; those of a serial stage keep their order. */
void units_sort(struct units *u);

/* How large the tables of a server are. */
struct heap_sizes {
    struct result *rows;
};
bool heap_sizes_read(struct conn *c, const char *own_schema, struct heap_sizes *out,
                     struct err *e) MUST_CHECK;
int64_t heap_size(const struct heap_sizes *s, const char *schema, const char *table);
void heap_sizes_free(struct heap_sizes *s);

#endif
