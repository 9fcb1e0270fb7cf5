#include "tools.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "repl/mem.h"
#include "repl/str.h"

int tools_choose(const int *majors, size_t n, int need)
{
    int best = -1;
    for (size_t i = 0; i < n; i++)
        if (majors[i] >= need && (best < 0 || majors[i] > majors[best]))
            best = (int)i;
    return best;
}

int tools_major(const char *line)
{
    const char *at = strstr(line, "(PostgreSQL) ");
    long major = at != NULL ? strtol(at + strlen("(PostgreSQL) "), NULL, 10) : 0;
    return major > 0 && major < 1000 ? (int)major : 0;
}

/* Both programs must be there; gives the version that pg_dump says it has, 0 where it is unusable. */
static int version_in(const char *dir)
{
    char *dump = xasprintf("%s/pg_dump", dir), *restore = xasprintf("%s/pg_restore", dir);
    const char *const argv[] = {dump, "--version", NULL};
    struct buf out = {0};
    struct err ignored; /* a program that does not run is none */
    int major = 0;
    if (access(dump, X_OK) == 0 && access(restore, X_OK) == 0 &&
        child_run(&(struct child){.argv = argv, .out = &out}, &ignored))
        major = tools_major(buf_text(&out));
    buf_free(&out);
    free(dump);
    free(restore);
    return major;
}

/* Where they may be; Debian's versioned folders first, since what stands in PATH there only chooses among them. */
static void list_folders(struct strlist *dirs)
{
    glob_t g;
    if (glob("/usr/lib/postgresql/*/bin", GLOB_ONLYDIR, NULL, &g) == 0) {
        for (size_t i = 0; i < g.gl_pathc; i++)
            strlist_add(dirs, g.gl_pathv[i]);
        globfree(&g);
    }
    char *save = NULL, *path = xstrdup(getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
    for (char *dir = strtok_r(path, ":", &save); dir != NULL; dir = strtok_r(NULL, ":", &save))
        strlist_add(dirs, dir);
    free(path);
}

bool tools_find(int source_version, int target_version, struct tools *out, struct err *e)
{
    int newer = source_version > target_version ? source_version : target_version;
    int need = newer / 10000;
    struct strlist dirs = {0};
    list_folders(&dirs);
    int *majors = xcalloc(dirs.count + 1, sizeof *majors);
    for (size_t i = 0; i < dirs.count; i++)
        majors[i] = version_in(dirs.items[i]);
    int best = tools_choose(majors, dirs.count, need);
    if (best >= 0)
        *out = (struct tools){.major = majors[best],
                              .pg_dump = xasprintf("%s/pg_dump", dirs.items[best]),
                              .pg_restore = xasprintf("%s/pg_restore", dirs.items[best])};
    free(majors);
    strlist_free(&dirs);
    if (best >= 0)
        return true;
    err_set(e, ERR_CONFIG, "no pg_dump and pg_restore of version %d or newer are installed here", need);
    return err_hint(
        e,
        "install the package postgresql-client-%d (apt-get install postgresql-client-%d), or make "
        "the target's tables yourself and give --no-schema",
        need, need);
}

void tools_free(struct tools *t)
{
    free(t->pg_dump);
    free(t->pg_restore);
    *t = (struct tools){0};
}
