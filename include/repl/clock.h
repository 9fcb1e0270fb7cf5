/* Time. Monotonic for waiting, wall for people; a clock never decides what is owed. */
#ifndef REPL_CLOCK_H
#define REPL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_ms(void); /* monotonic */
uint64_t clock_us(void); /* monotonic */
double clock_wall(void); /* seconds since 1970 */
void clock_sleep_ms(unsigned ms);

/* ISO 8601 in UTC with milliseconds, "2026-01-31T02:00:00.123Z", into out (at least 32 bytes); returns out. */
const char *clock_iso(char *out, size_t size, double wall);

/*
 * Exponential backoff with full jitter: the n-th wait is uniform in [base/2, base * 2^n] and at most max.
 * See "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
struct backoff {
    unsigned base_ms, max_ms;
    unsigned attempt;
    uint64_t seed; /* 0 is fine */
};

unsigned backoff_next_ms(struct backoff *b);
void backoff_reset(struct backoff *b);

#endif
