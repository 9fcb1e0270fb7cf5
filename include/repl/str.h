/* Strings: lists, patterns, numbers for people. */
#ifndef REPL_STR_H
#define REPL_STR_H

#include <stddef.h>
#include <stdint.h>

#include "repl/err.h"

struct strlist {
    char **items;
    size_t count;
};

void strlist_add(struct strlist *l, const char *s);
/* Adds each comma-separated part, blanks around it dropped; empty parts are ignored. */
void strlist_add_csv(struct strlist *l, const char *csv);
char *strlist_csv(const struct strlist *l); /* caller frees */
void strlist_free(struct strlist *l);

/* What a print into so many bytes left: where it ended within a character of UTF-8, the beginning of that goes, too. */
void str_cut(char *s, size_t size);

struct buf;
/* Appends text as a terminal or a log may show it, whoever made it: control characters, line ends, what turns the direction of
 * writing, and bytes that are no UTF-8, as \\n, \\x1b, \\u202e. */
void str_visible(struct buf *b, const char *s);
/* The same as a string; caller frees. */
char *str_visible_copy(const char *s);

/* Shell-like pattern: * any run, ? one character; the whole of s must match. */
bool str_matches(const char *pattern, const char *s);

/* Levenshtein distance, for "did you mean". */
size_t str_distance(const char *a, const char *b);

/* "1.5 GB", "12 kB" (powers of 1000) into out; returns out. */
const char *str_bytes(char *out, size_t size, double bytes);
/* "2h 05m", "3m 20s", "0.4s" into out; returns out. */
const char *str_duration(char *out, size_t size, double seconds);

/* A whole non-negative number with an optional unit kB MB GB TB (powers of 1000, case ignored). */
bool str_parse_size(const char *s, uint64_t *out) MUST_CHECK;
/* A rate: such a size, a second, perhaps with "/s" behind it; or "unlimited", which is 0. Refuses what is below
 * STR_LEAST_RATE: it would look like standing still. */
bool str_parse_rate(const char *s, int64_t *out) MUST_CHECK;
enum { STR_LEAST_RATE = 64000 };
/* "20 MB/s", "unlimited" into out; returns out. */
const char *str_rate(char *out, size_t size, int64_t bytes_per_second);
bool str_parse_int(const char *s, long long min, long long max, long long *out) MUST_CHECK;

#endif
