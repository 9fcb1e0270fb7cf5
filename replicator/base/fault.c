#include "repl/fault.h"

#ifdef REPL_FAULTS

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "name:n" in the variable; true, with n, when it is this point's. */
static int wanted(const char *variable, const char *name, int fallback)
{
    const char *spec = getenv(variable);
    size_t len = strlen(name);
    if (spec == NULL || strncmp(spec, name, len) != 0 || (spec[len] != '\0' && spec[len] != ':'))
        return 0;
    return spec[len] == ':' ? atoi(spec + len + 1) : fallback;
}

void fault_point(const char *name)
{
    static atomic_int passed;
    int pause_ms = wanted("REPL_PAUSE_AT", name, 1000);
    if (pause_ms > 0) {
        fprintf(stderr, "fault point %s: waiting\n", name);
        poll(NULL, 0, pause_ms); /* a signal ends it */
    }
    int nth = wanted("REPL_FAIL_AT", name, 1);
    if (nth > 0 && atomic_fetch_add(&passed, 1) + 1 == nth) {
        fprintf(stderr, "fault point %s: killed\n", name);
        kill(getpid(), SIGKILL);
    }
}

#else
typedef int fault_points_are_not_compiled_in; /* a translation unit may not be empty */
#endif
