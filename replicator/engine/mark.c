/*
 * By what an engine knows its own sessions again, after it was killed or its network went away: a mark in the name of the
 * control connections. It is of the directory on this machine: a number that the state file keeps, and which file and machine
 * that is, since a directory that is copied elsewhere may belong to an engine that works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"
#include "repl/hash.h"

static const char key[] = "engine_mark";

/* "" where there is none. */
static void machine(char *out, size_t size)
{
    out[0] = '\0';
    FILE *f = fopen("/etc/machine-id", "re");
    if (f == NULL)
        return;
    if (fgets(out, (int)size, f) == NULL)
        out[0] = '\0';
    fclose(f);
}

static bool kept_number(struct engine *g, char **out, struct err *e)
{
    uint64_t number = 0;
    if (!state_get(g->o->state, key, out, e) || *out != NULL)
        return *out != NULL;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return err_set(e, ERR_OS, "no random number is to be had");
    *out = xasprintf("%016llx", (unsigned long long)number);
    return state_set(g->o->state, key, *out, e);
}

void mark_make(struct engine *g)
{
    char host[256] = "", id[64];
    struct stat st = {0};
    struct err e;
    char *number = NULL;
    /* Without it an engine that is killed leaves sessions that the next one waits for, and nothing worse. */
    if (!kept_number(g, &number, &e))
        log_err(LOG_WARN, &e);
    if (gethostname(host, sizeof host - 1) != 0 || stat(g->o->sync->dir, &st) != 0)
        log_debug("the mark of the control connections is of less than it could be");
    machine(id, sizeof id);
    char *all = xasprintf("%s/%s/%s/%llu/%llu", number != NULL ? number : "", host, id,
                          (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    snprintf(g->mark, sizeof g->mark, "%016llx", (unsigned long long)hash64_str(all));
    free(all);
    free(number);
}
