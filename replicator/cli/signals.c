#include "signals.h"

#include <signal.h>

static struct interrupt *raised_by_signals; /* for the life of the process */

static void on_signal(int number)
{
    (void)number;
    interrupt_raise(raised_by_signals, INTERRUPT_NOW);
}

struct interrupt *catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal};
    if (raised_by_signals == NULL)
        raised_by_signals = interrupt_new();
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        struct sigaction before;
        sigaction(numbers[k], NULL, &before);
        if (before.sa_handler != SIG_IGN) /* nohup means it */
            sigaction(numbers[k], &act, NULL);
    }
    return raised_by_signals;
}
