/*
 * How fast something goes and how long it still takes. Pure: the caller brings the time. The window is half of what
 * was measured, from ten seconds to five minutes: long enough to level out chunks and checkpoints, short enough to
 * follow what changes on the way.
 */
#ifndef REPL_ENGINE_ETA_H
#define REPL_ENGINE_ETA_H

#include <stddef.h>
#include <stdint.h>

enum { ETA_SAMPLES = 48 };

struct eta { /* zeroed it has measured nothing */
    struct eta_sample {
        uint64_t ms;
        double done;
    } samples[ETA_SAMPLES]; /* the last is the newest, whatever its distance from the one before */
    size_t count;
    uint64_t every_ms; /* the least distance between two that are kept */
};

/* So much is done now. Less than before (what was under way was dropped) tells nothing of the speed. */
void eta_feed(struct eta *m, uint64_t now_ms, double done);
/* Nothing could be done since the last sample or skip: that time does not count. */
void eta_skip(struct eta *m, uint64_t now_ms);
/* The speed is another from now on: forgets what was measured. */
void eta_forget(struct eta *m);

double eta_rate(const struct eta *m);                 /* a second; negative: not known yet */
double eta_seconds(const struct eta *m, double left); /* negative: not known yet */

/* Two speeds, measured apart, each for its part of what is left. Where only one is known, that of beside is so many
 * times slower. */
double eta_course(const struct eta *alone, const struct eta *beside, double slower, double left_alone,
                  double left_beside);

#endif
