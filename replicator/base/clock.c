#include "repl/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000u;
}

double clock_wall(void)
{
    return (double)now_us(CLOCK_REALTIME) / 1e6;
}

void clock_sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0)
        continue;
}

const char *clock_iso(char *out, size_t size, double wall)
{
    time_t seconds = (time_t)wall;
    int ms = (int)((wall - (double)seconds) * 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char date[24];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, size, "%s.%03dZ", date, ms);
    return out;
}

/* xorshift64*: good enough to spread retries, and the same from the same seed. */
static uint64_t next_random(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545F4914F6CDD1Dull;
}

unsigned backoff_next_ms(struct backoff *b)
{
    if (b->seed == 0)
        b->seed = clock_us() | 1;
    uint64_t ceiling = b->max_ms;
    if (b->attempt < 32 && ((uint64_t)b->base_ms << b->attempt) < ceiling)
        ceiling = (uint64_t)b->base_ms << b->attempt;
    b->attempt++;
    uint64_t floor = b->base_ms / 2;
    if (ceiling <= floor)
        return (unsigned)ceiling;
    return (unsigned)(floor + next_random(&b->seed) % (ceiling - floor + 1));
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}
