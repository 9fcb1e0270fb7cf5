#include "repl/interrupt.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/mem.h"

struct interrupt {
    atomic_int level;
    int fd;
};

struct interrupt *interrupt_new(void)
{
    struct interrupt *i = xcalloc(1, sizeof *i);
    i->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return i;
}

void interrupt_free(struct interrupt *i)
{
    if (i == NULL)
        return;
    if (i->fd >= 0)
        close(i->fd);
    free(i);
}

void interrupt_raise(struct interrupt *i, enum interrupt_level level)
{
    int now = atomic_load(&i->level);
    while (now < (int)level && !atomic_compare_exchange_weak(&i->level, &now, (int)level))
        continue;
    if (i->fd < 0)
        return;
    const uint64_t one = 1;
    ssize_t written = write(i->fd, &one, sizeof one);
    (void)written; /* full means readable, which is all that is wanted */
}

enum interrupt_level interrupt_level(const struct interrupt *i)
{
    return i != NULL ? (enum interrupt_level)atomic_load(&i->level) : INTERRUPT_NONE;
}

bool interrupt_rest(const struct interrupt *i, unsigned ms)
{
    const uint64_t until = clock_ms() + ms;
    struct pollfd fd = {.fd = i != NULL ? i->fd : -1, .events = POLLIN};
    for (uint64_t now = clock_ms(); now < until && interrupt_level(i) == INTERRUPT_NONE; now = clock_ms())
        poll(&fd, 1, (int)(until - now));
    return interrupt_level(i) == INTERRUPT_NONE;
}

int interrupt_fd(const struct interrupt *i)
{
    return i->fd;
}
