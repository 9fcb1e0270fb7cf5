/* XXH3 behind one door. */
#ifndef REPL_HASH_H
#define REPL_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *data, size_t len);
uint64_t hash64_str(const char *s);

struct hash128 {
    uint64_t low, high;
};
struct hash128 hash128(const void *data, size_t len);
int hash128_compare(const struct hash128 *a,
                    const struct hash128 *b); /* as qsort wants it; any order, but one */

struct hash_stream; /* a digest over pieces */
struct hash_stream *hash_stream_new(void);
void hash_stream_free(struct hash_stream *h);
void hash_stream_add(struct hash_stream *h, const void *data, size_t len);
/* Adds the string and its terminator, so that ("ab","c") differs from ("a","bc"). NULL differs from "". */
void hash_stream_add_str(struct hash_stream *h, const char *s);
uint64_t hash_stream_value(const struct hash_stream *h);

#endif
