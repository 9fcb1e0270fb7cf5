/* The parts of verify's statements: what a row's digest is, what a range of keys is, and keys as text. The memory is
 * the arena's. */
#ifndef REPL_VERIFY_SQL_H
#define REPL_VERIFY_SQL_H

#include "repl/buf.h"
#include "repl/catalog.h"
#include "repl/mem.h"
#include "repl/rel.h"
#include "repl/state.h"

/* A row's hash as a bigint, from the values alone: the same on both sides, whatever the order of their columns. Equal
 * hashes of all rows mean equal rows; unequal ones may come from servers that spell a value differently. */
char *verify_hash_sql(struct arena *a, const struct relation *r);
/* 0 to 255, from the key's values; without a key from the row's. */
char *verify_bucket_sql(struct arena *a, const struct relation *r);

/* "t."a", t."b"": the copied columns in r's order. Generated columns are not among them. */
char *verify_columns_sql(struct arena *a, const struct relation *r);
size_t verify_columns(const struct relation *r);                            /* how many */
const struct column *verify_column(const struct relation *r, size_t index); /* the index-th of them */
/* "t."id"": the key's columns. */
char *verify_key_sql(struct arena *a, const struct relation *r);
/* The table as FROM wants it, on the side that describes it. */
char *verify_table_sql(struct arena *a, const struct relation *r);

/* In what follows r is the table whose key it is, the source's; side is the table on the server that runs the SQL. */

/* Ranges of keys can be cut: there is a key whose columns compare by one and the same operator, on both sides. */
bool verify_has_ranges(const struct relation *r, const struct relation *target);
/* The order that ranges are made of, for ORDER BY on the source. */
char *verify_order_sql(struct arena *a, const struct relation *r);
/* The condition on t for keys behind from and up to to. */
char *verify_range_sql(struct arena *a, const struct relation *side, const struct relation *r,
                       const char *from, const char *to);

/* "VALUES (0, key...), ..." of keys given as lines of COPY; without a key ("VALUES (0)"). */
char *verify_values_sql(struct arena *a, const struct relation *side, const struct relation *r,
                        const struct verify_key *keys, size_t n);
char *verify_names_sql(struct arena *a, const struct relation *r); /* "n, k1, ..." */
char *verify_on_sql(struct arena *a, const struct relation *side,
                    const struct relation *r); /* "v.k1 = t."id" AND ..." */

/* ---- lines of COPY ---- */

/* Where the field ends: at a tab or at the end of the line. */
size_t copy_field_length(const char *field, size_t left);
/* That of so many fields and the tabs between them. */
size_t copy_fields_length(const char *text, size_t left, size_t fields);
/* A value as a field. */
void copy_field_add(struct buf *b, const char *value);
/* The value of a field; NULL for \N. */
char *copy_field_value(struct arena *a, const char *field, size_t len);
/* "id=5, zone=z1" */
char *verify_key_shown(struct arena *a, const struct relation *r, const char *key);

#endif
