/* The names of capture's objects, in one place. All are quoted for SQL; the memory is the arena's. */
#ifndef REPL_CAPTURE_NAMES_H
#define REPL_CAPTURE_NAMES_H

#include "repl/capture.h"

/* "schema"."name" */
char *name_of(struct arena *a, const struct capture *c, const char *name);
/* "schema"."slot_<id>_written" and so on: the sequences of the target's slot */
char *name_slot(struct arena *a, const struct capture *c, const char *what);
/* "schema"."d<id>_a" or _b */
char *name_delta(struct arena *a, const struct capture *c, int id, char side);
/* "schema"."bell_<n>", of a few tables at once: a transaction holds a lock for each bell that it reads, and a server
 * has few that cost little. */
char *name_bell(struct arena *a, const struct capture *c, int id);

/* "{bell_0,d1_a,d1_changed,...}": the bare names of all that is made for a table. */
char *names_of_table(struct arena *a, int id);

/* Wakes the engine for what was recorded of the table: a statement, to be run in the same transaction. */
char *ring_sql(struct arena *a, const struct capture *c, const struct relation *r);

/* ", d.k1, d.k2": every key column with that prefix and a comma in front; "" without key. */
char *list_keys(struct arena *a, const struct relation *r, const char *prefix);
/* "t."id", t."v"": every copied column of the table; "" where there is none. */
char *list_columns(struct arena *a, const struct relation *r, const char *prefix);
/* "d.k1 = t."id" AND ...", with the operators of the key's index. */
char *join_keys(struct arena *a, const struct relation *r);

/* "{1,2}" and "{"",""}" for the functions that take positions. */
char *own_ids(struct arena *a, const struct positions *p);
char *own_positions(struct arena *a, const struct positions *p);
/* "{1,2}"; of all who are awake where not all are looked at, else NULL. */
char *list_ids(struct arena *a, const struct ids *l);
const char *watched(struct arena *a, const struct awake *w);

#endif
