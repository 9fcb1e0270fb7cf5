#include "eta.h"

#include <stdbool.h>

enum { LEAST_MS = 1000, SHORTEST_MS = 10000, LONGEST_MS = 300000, EVERY_MS = 500 };

/* Every second one goes, but the first and the newest stay. */
static void thin(struct eta *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++)
        if (i % 2 == 0 || i + 1 == m->count)
            m->samples[kept++] = m->samples[i];
    m->count = kept;
    m->every_ms *= 2;
}

void eta_feed(struct eta *m, uint64_t now_ms, double done)
{
    if (m->count == 0)
        m->every_ms = EVERY_MS;
    if (m->count != 0) {
        double lost = m->samples[m->count - 1].done - done;
        for (size_t i = 0; i < m->count && lost > 0; i++)
            m->samples[i].done -= lost;
    }
    bool close = m->count > 1 && m->samples[m->count - 1].ms - m->samples[m->count - 2].ms < m->every_ms;
    if (close)
        m->count--;
    else if (m->count == ETA_SAMPLES)
        thin(m);
    m->samples[m->count++] = (struct eta_sample){now_ms, done};
}

void eta_skip(struct eta *m, uint64_t now_ms)
{
    if (m->count == 0)
        return;
    uint64_t gap = now_ms - m->samples[m->count - 1].ms;
    for (size_t i = 0; i < m->count; i++)
        m->samples[i].ms += gap;
}

void eta_forget(struct eta *m)
{
    m->count = 0;
}

double eta_rate(const struct eta *m)
{
    if (m->count < 2)
        return -1;
    const struct eta_sample *last = &m->samples[m->count - 1], *from = &m->samples[0];
    uint64_t window = (last->ms - from->ms) / 2;
    window = window < SHORTEST_MS ? SHORTEST_MS : window > LONGEST_MS ? LONGEST_MS : window;
    for (size_t i = 0; i + 1 < m->count && last->ms - m->samples[i].ms >= window; i++)
        from = &m->samples[i];
    if (last->ms - from->ms < LEAST_MS)
        return -1;
    return (last->done - from->done) / ((double)(last->ms - from->ms) / 1000);
}

double eta_seconds(const struct eta *m, double left)
{
    double rate = eta_rate(m);
    if (left <= 0)
        return 0;
    return rate > 0 ? left / rate : -1;
}

double eta_course(const struct eta *alone, const struct eta *beside, double slower, double left_alone,
                  double left_beside)
{
    double fast = eta_rate(alone), slow = eta_rate(beside);
    if (left_alone + left_beside <= 0)
        return 0;
    if (slow <= 0)
        slow = fast / slower;
    if (fast <= 0)
        fast = slow * slower;
    return fast > 0 ? left_alone / fast + left_beside / slow : -1;
}
