#include <sys/prctl.h>
#include <sys/resource.h>

#include "repl/cli.h"

/* Passwords and rows are in memory: nothing of it goes to a disk, nor may another process of this user look. Builds for
 * tests are looked into by sanitizers and debuggers. */
static void keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef REPL_FAULTS
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
    keep_memory_private();
    return cli_main(argc, argv);
}
