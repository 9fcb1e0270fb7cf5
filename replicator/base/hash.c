#include "repl/hash.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "repl/mem.h"

uint64_t hash64(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

uint64_t hash64_str(const char *s)
{
    return XXH3_64bits(s, strlen(s));
}

struct hash128 hash128(const void *data, size_t len)
{
    XXH128_hash_t h = XXH3_128bits(data, len);
    return (struct hash128){.low = h.low64, .high = h.high64};
}

int hash128_compare(const struct hash128 *a, const struct hash128 *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

struct hash_stream {
    XXH3_state_t *state;
};

struct hash_stream *hash_stream_new(void)
{
    struct hash_stream *h = xmalloc(sizeof *h);
    h->state = XXH3_createState();
    XXH3_64bits_reset(h->state);
    return h;
}

void hash_stream_free(struct hash_stream *h)
{
    if (h == NULL)
        return;
    XXH3_freeState(h->state);
    free(h);
}

void hash_stream_add(struct hash_stream *h, const void *data, size_t len)
{
    XXH3_64bits_update(h->state, data, len);
}

void hash_stream_add_str(struct hash_stream *h, const char *s)
{
    const char tag = s != NULL ? 1 : 0;
    hash_stream_add(h, &tag, 1);
    if (s != NULL)
        hash_stream_add(h, s, strlen(s) + 1);
}

uint64_t hash_stream_value(const struct hash_stream *h)
{
    return XXH3_64bits_digest(h->state);
}
