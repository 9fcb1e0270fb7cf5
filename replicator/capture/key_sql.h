/* What SQL says of a table's key: in its delta tables, capture functions and in `relation`. The memory is the arena's. */
#ifndef REPL_CAPTURE_KEY_SQL_H
#define REPL_CAPTURE_KEY_SQL_H

#include "repl/capture.h"

/* ", k1 bigint, k2 text": the columns of a delta table. */
char *key_definitions(struct arena *a, const struct relation *r);
/* ", c."id", c."v"": the key's columns under their own names, each with that prefix and a comma in front. */
char *key_names(struct arena *a, const struct relation *r, const char *prefix);
/* "OLD."id" = NEW."id" AND ...": null where one of them has nulls. */
char *key_same(struct arena *a, const struct relation *r, const char *prefix, const char *other);
/* That the keys in the transition tables "was" and "changed" are alike, as far as a sum of their hashes tells; "false" where a
 * type has no hash. seed: a number. */
char *key_same_all(struct arena *a, const struct relation *r, uint64_t seed);
/* "{1,2}": the columns' numbers, and their types' oids. */
char *key_numbers(struct arena *a, const struct relation *r);
char *key_types(struct arena *a, const struct relation *r);

#endif
