/* How many workers the limit of open files has room for. */
#include <errno.h>
#include <sys/resource.h>

#include "private.h"

enum {
    FIRST_FILES =
        38, /* the loop, the state file, control connections, watching, pg_dump, a few commands that ask */
    WORKER_FILES = 3 /* its connections, that of a fork too */
};

bool files_fit(struct engine *g, struct err *e)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return true;
    if (files.rlim_cur < files.rlim_max) {
        struct rlimit more = {files.rlim_max, files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            files = more;
    }
    if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur >= FIRST_FILES + WORKER_FILES * JOBS_MOST)
        return true;
    if (files.rlim_cur < FIRST_FILES + WORKER_FILES) {
        err_set(e, ERR_OS, "the engine needs %d open files with one worker, and may have %llu",
                FIRST_FILES + WORKER_FILES, (unsigned long long)files.rlim_cur);
        return err_files(e, EMFILE);
    }
    g->files_most = (int)((files.rlim_cur - FIRST_FILES) / WORKER_FILES);
    if (g->files_most < g->o->sync->jobs)
        engine_say(g, LOG_WARN, NULL,
                   "%d of %d workers, since %llu files may be open (ulimit -n); %d would do for all",
                   g->files_most, g->o->sync->jobs, (unsigned long long)files.rlim_cur,
                   FIRST_FILES + WORKER_FILES * g->o->sync->jobs);
    return true;
}
