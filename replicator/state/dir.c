/* The state directory: whose it is, and what in it is repl's. */
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/mem.h"
#include "repl/state.h"

/* Everything that repl makes beside the state file. What a person put there, repl.conf too, is not among it. */
static const char *const made[] = {"state.db",        "state.db-wal",  "state.db-shm", "state.db-journal",
                                   "control.sock",    "engine.lock",   "state.lock",   "repl.log",
                                   "schema.dump",     "schema.list",   "schema.use",   "schema.objects",
                                   "schema.dump.new", "schema.service"};
/* What is read, and decides what repl does: to whom it connects, what it runs. */
static const char *const trusted[] = {"state.db", "state.db-wal", "state.db-shm", "state.db-journal",
                                      "repl.conf"};

#define ASIDE "state.db.aside-"

/* ---- whose it is ---- */

static bool not_ours(const char *what, uid_t owner, struct err *e)
{
    const struct passwd *p = getpwuid(owner);
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)owner);
    const char *name = p != NULL ? p->pw_name : number;
    err_set(e, ERR_STATE, "%s belongs to another user (%s): what it says would be done as you", what, name);
    return err_hint(e, "run repl as %s (sudo -u %s repl ...), or give a directory of your own with -D", name,
                    name);
}

static bool no_dir(const char *dir, int why, struct err *e)
{
    struct stat st;
    if (why == ENOENT) {
        err_set(e, ERR_STATE, "there is no state directory %s", dir);
        return err_hint(e,
                        "run `repl init` first, or give the directory of an earlier one with -D or REPL_DIR");
    }
    if ((why == ELOOP || why == ENOTDIR) && lstat(dir, &st) == 0 && S_ISLNK(st.st_mode)) {
        err_set(e, ERR_STATE, "%s is a symbolic link, which whoever owns the folder around it can change",
                dir);
        return err_hint(e, "give the directory that it leads to with -D");
    }
    if (why == ENOTDIR && lstat(dir, &st) == 0) {
        err_set(e, ERR_STATE, "%s is not a directory", dir);
        return err_hint(e, "give a state directory with -D");
    }
    return err_set(e, ERR_STATE, "state directory %s: %s", dir, strerror(why));
}

static bool check_entry(int fd, const char *dir, const char *name, struct err *e)
{
    struct stat st;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || err_set(e, ERR_STATE, "%s: %s", path, strerror(errno));
    if (S_ISLNK(st.st_mode)) {
        err_set(e, ERR_STATE, "%s is a symbolic link", path);
        return err_hint(e, "put the file itself there");
    }
    if (st.st_uid != geteuid())
        return not_ours(path, st.st_uid, e);
    if ((st.st_mode & 022) != 0) {
        err_set(e, ERR_STATE, "%s may be written by other users (mode %04o)", path,
                (unsigned)st.st_mode & 07777);
        return err_hint(e, "chmod 600 %s", path);
    }
    return true;
}

bool state_dir_open(const char *dir, int *out, struct err *e)
{
    struct stat st;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return no_dir(dir, errno, e);
    char *what = xasprintf("state directory %s", dir);
    bool ok = fstat(fd, &st) == 0 || err_set(e, ERR_STATE, "%s: %s", what, strerror(errno));
    if (ok && st.st_uid != geteuid())
        ok = not_ours(what, st.st_uid, e);
    if (ok && (st.st_mode & 077) != 0) { /* the settings hold connection strings */
        ok = err_set(e, ERR_STATE, "%s is open to other users (mode %04o)", what,
                     (unsigned)st.st_mode & 07777);
        err_hint(e, "chmod 700 %s", dir);
    }
    for (size_t i = 0; ok && i < sizeof trusted / sizeof *trusted; i++)
        ok = check_entry(fd, dir, trusted[i], e);
    free(what);
    if (ok)
        *out = fd;
    else
        close(fd);
    return ok;
}

bool state_dir_trusted(const char *dir, struct err *e)
{
    int fd = -1;
    struct stat st;
    if (lstat(dir, &st) != 0 && errno == ENOENT)
        return true;
    if (!state_dir_open(dir, &fd, e))
        return false;
    close(fd);
    return true;
}

/* ---- what is in it ---- */

bool state_files(const char *dir)
{
    bool any = false;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; fd >= 0 && !any && i < sizeof made / sizeof *made; i++)
        any = faccessat(fd, made[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (fd >= 0)
        close(fd);
    return any;
}

/* Those hold connection strings, too. */
static bool remove_aside(int fd, const char *dir, struct err *e)
{
    bool ok = true;
    int copy = dup(fd);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    if (d == NULL) {
        if (copy >= 0)
            close(copy);
        return err_set(e, ERR_STATE, "state directory %s: %s", dir, strerror(errno));
    }
    for (struct dirent *entry = readdir(d); ok && entry != NULL; entry = readdir(d))
        if (strncmp(entry->d_name, ASIDE, sizeof ASIDE - 1) == 0 && unlinkat(fd, entry->d_name, 0) != 0 &&
            errno != ENOENT)
            ok = err_set(e, ERR_STATE, "%s/%s cannot be removed: %s", dir, entry->d_name, strerror(errno));
    closedir(d);
    return ok;
}

bool state_remove(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || err_set(e, ERR_STATE, "state directory %s: %s", dir, strerror(errno));
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof made / sizeof *made; i++)
        if (unlinkat(fd, made[i], 0) != 0 && errno != ENOENT)
            ok = err_set(e, ERR_STATE, "%s/%s cannot be removed: %s", dir, made[i], strerror(errno));
    ok = ok && remove_aside(fd, dir, e);
    close(fd);
    if (ok && rmdir(dir) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY && errno != EINVAL)
        ok = err_set(e, ERR_STATE, "%s cannot be removed: %s", dir, strerror(errno));
    return ok;
}

/* The file and its journals, which belong together. */
bool state_put_aside(const char *dir, char **name, struct err *e)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    int fd = -1;
    char at[32];
    time_t now = (time_t)clock_wall();
    struct tm utc;
    if (!state_dir_open(dir, &fd, e))
        return false;
    gmtime_r(&now, &utc);
    strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &utc);
    bool ok = true;
    *name = xasprintf(ASIDE "%s", at);
    for (int n = 2; faccessat(fd, *name, F_OK, AT_SYMLINK_NOFOLLOW) == 0; n++) {
        free(*name);
        *name = xasprintf(ASIDE "%s-%d", at, n);
    }
    for (size_t i = 0; ok && i < sizeof parts / sizeof *parts; i++) {
        char *from = xasprintf("state.db%s", parts[i]), *to = xasprintf("%s%s", *name, parts[i]);
        if (renameat(fd, from, fd, to) != 0 && errno != ENOENT)
            ok = err_set(e, ERR_STATE, "%s/%s cannot be put aside: %s", dir, from, strerror(errno));
        free(from);
        free(to);
    }
    close(fd);
    if (!ok) {
        free(*name);
        *name = NULL;
    }
    return ok;
}
