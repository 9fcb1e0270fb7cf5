/* The state file: opening, migrating, settings, removal. */
#include "repl/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "repl/embedded.h"
#include "repl/mem.h"

/* How long to wait for another process that writes: a command beside a running engine. */
enum { BUSY_MS = 5000 };

/* migrations[n] leads from user_version n to n + 1. Append only. */
static const char *const migrations[] = {sql_state_001_init, sql_state_002_verify};
enum { VERSION = sizeof migrations / sizeof *migrations };

/* ---- the directory ---- */

static bool make_dir(const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return true;
    int why = errno;
    err_set(e, ERR_STATE, "state directory %s cannot be made: %s", dir, strerror(why));
    if (why == ENOENT)
        err_hint(e, "make the directory above it, or give another one with -D");
    else
        err_hint(e, "give another one with -D");
    return false;
}

/* The settings hold connection strings: nobody else may look. */
static bool check_dir(const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) != 0) {
        if (errno != ENOENT)
            return err_set(e, ERR_STATE, "state directory %s: %s", dir, strerror(errno));
        err_set(e, ERR_STATE, "there is no state directory %s", dir);
        return err_hint(e,
                        "run `repl init` first, or give the directory of an earlier one with -D or REPL_DIR");
    }
    if (!S_ISDIR(st.st_mode)) {
        err_set(e, ERR_STATE, "%s is not a directory", dir);
        return err_hint(e, "give a state directory with -D");
    }
    if ((st.st_mode & 077) != 0) {
        err_set(e, ERR_STATE, "state directory %s is open to other users (mode %04o)", dir,
                (unsigned)st.st_mode & 07777);
        return err_hint(e, "chmod 700 %s", dir);
    }
    return true;
}

/* Makes the file before SQLite does, for its mode: the journals take theirs from it. */
static bool check_file(const char *dir, const char *path, bool create, struct err *e)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno != ENOENT)
        return err_set(e, ERR_STATE, "state file %s: %s", path, strerror(errno));
    err_set(e, ERR_STATE, "there is no state file in %s", dir);
    return err_hint(
        e, "run `repl init` first (again with the same --source and --target if the file was lost: it "
           "adopts what is installed), or give another directory with -D");
}

/* ---- the schema ---- */

static bool user_version(struct state *s, int *version, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    if (!db_prepare(s, "PRAGMA user_version", NULL, 0, &st, e))
        return false;
    bool ok = db_step(s, st, &row, e);
    *version = ok && row ? (int)db_int(st, 0, 0) : 0;
    sqlite3_finalize(st);
    return ok;
}

static bool run_migrations(struct state *s, int from, struct err *e)
{
    for (int v = from; v < VERSION; v++) {
        char *raise = xasprintf("PRAGMA user_version = %d", v + 1);
        bool ok = db_script(s, migrations[v], e) && db_script(s, raise, e);
        free(raise);
        if (!ok)
            return false;
    }
    return true;
}

static bool migrate(struct state *s, struct err *e)
{
    int version;
    if (!user_version(s, &version, e))
        return false;
    if (version > VERSION) {
        err_set(e, ERR_STATE,
                "state file %s/state.db was written by a newer repl (layout %d, this one knows %d)", s->dir,
                version, VERSION);
        return err_hint(e, "use the newer repl");
    }
    if (version == VERSION)
        return true;
    if (!db_script(s, "BEGIN IMMEDIATE", e))
        return false;
    /* Looked at again: another process may have been first. */
    bool ok = user_version(s, &version, e) && run_migrations(s, version, e);
    return db_end(s, ok, e);
}

/* ---- open and close ---- */

static bool open_db(struct state *s, const char *path, struct err *e)
{
    int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL);
    if (s->db == NULL)
        return err_set(e, ERR_STATE, "state file %s: %s", path, sqlite3_errstr(rc));
    if (rc != SQLITE_OK)
        return db_fail(s, e);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    /* NORMAL: a power cut may cost the last lines, never the file. The truth is on the servers. */
    return db_script(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
                     e) &&
           migrate(s, e);
}

bool state_open(const char *dir, bool create, struct state **out, struct err *e)
{
    *out = NULL;
    if ((create && !make_dir(dir, e)) || !check_dir(dir, e))
        return false;
    char *path = xasprintf("%s/state.db", dir);
    bool ok = check_file(dir, path, create, e);
    if (ok) {
        struct state *s = xcalloc(1, sizeof *s);
        s->dir = xstrdup(dir);
        ok = open_db(s, path, e);
        if (ok)
            *out = s;
        else
            state_close(s);
    }
    free(path);
    return ok;
}

void state_close(struct state *s)
{
    if (s == NULL)
        return;
    sqlite3_close(s->db);
    free(s->saved);
    free(s->dir);
    free(s);
}

const char *state_dir(const struct state *s)
{
    return s->dir;
}

/* ---- settings ---- */

bool state_set(struct state *s, const char *key, const char *value, struct err *e)
{
    const struct param p[] = {P_TEXT(key), P_TEXT(value)};
    if (value == NULL)
        return db_run(s, sql_state_setting_delete, p, 1, e);
    return db_run(s, sql_state_setting_set, p, 2, e);
}

bool state_get(struct state *s, const char *key, char **value, struct err *e)
{
    *value = NULL;
    sqlite3_stmt *st;
    bool row;
    if (!db_prepare(s, sql_state_setting_get, &(struct param){.type = PARAM_TEXT, .s = key}, 1, &st, e))
        return false;
    bool ok = db_step(s, st, &row, e);
    if (ok && row)
        *value = db_text(st, 0);
    sqlite3_finalize(st);
    return ok;
}

/* ---- removal ---- */

/* Everything that repl makes beside the state file. What a person put there, repl.conf too, is not among it. */
static const char *const made[] = {"state.db",      "state.db-wal", "state.db-shm",   "state.db-journal",
                                   "control.sock",  "engine.lock",  "repl.log",       "schema.dump",
                                   "schema.list",   "schema.use",   "schema.objects", "schema.dump.new",
                                   "schema.service"};

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

bool state_remove(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || err_set(e, ERR_STATE, "state directory %s: %s", dir, strerror(errno));
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof made / sizeof *made; i++)
        if (unlinkat(fd, made[i], 0) != 0 && errno != ENOENT)
            ok = err_set(e, ERR_STATE, "%s/%s cannot be removed: %s", dir, made[i], strerror(errno));
    close(fd);
    if (ok && rmdir(dir) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY && errno != EINVAL)
        ok = err_set(e, ERR_STATE, "%s cannot be removed: %s", dir, strerror(errno));
    return ok;
}
