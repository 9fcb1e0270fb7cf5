/* The state file: opening, migrating, settings, removal. */
#include "repl/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "dir.h"
#include "repl/embedded.h"
#include "repl/mem.h"

/* How long to wait for another process that writes: a command beside a running engine. */
enum { BUSY_MS = 5000 };

/* migrations[n] leads from user_version n to n + 1. Append only. */
static const char *const migrations[] = {sql_state_001_init, sql_state_002_verify, sql_state_003_summary};
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

/* Makes the file before SQLite does, for its mode: the journals take theirs from it. */
static bool check_file(const char *dir, bool create, struct stat *st, struct err *e)
{
    int at, fd;
    if (!state_dir_open(dir, &at, e))
        return false;
    fd = openat(at, "state.db", O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    int why = errno;
    close(at);
    if (fd >= 0) {
        bool ok =
            fstat(fd, st) == 0 || err_set(e, ERR_STATE, "state file %s/state.db: %s", dir, strerror(errno));
        close(fd);
        return ok;
    }
    if (why != ENOENT)
        return err_set(e, ERR_STATE, "state file %s/state.db: %s", dir, strerror(why));
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

/* What SQLite has opened is what was looked at, whatever happened to the path meanwhile. */
static bool is_same(const char *path, const struct stat *st)
{
    struct stat now = {0};
    return lstat(path, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static bool open_checked(struct state *s, bool create, struct err *e)
{
    struct stat st = {0};
    if ((create && !make_dir(s->dir, e)) || !check_file(s->dir, create, &st, e))
        return false;
    char *path = xasprintf("%s/state.db", s->dir);
    bool ok =
        open_db(s, path, e) &&
        (is_same(path, &st) || err_set(e, ERR_STATE, "state file %s was replaced while it was opened", path));
    s->inode = st.st_ino;
    free(path);
    return ok;
}

bool state_open(const char *dir, bool create, struct state **out, struct err *e)
{
    struct state *s = xcalloc(1, sizeof *s);
    s->dir = xstrdup(dir);
    bool ok = open_checked(s, create, e);
    *out = ok ? s : NULL;
    if (!ok)
        state_close(s);
    return ok;
}

bool state_is_there(const struct state *s)
{
    struct stat now = {0};
    char *path = xasprintf("%s/state.db", s->dir);
    bool there = lstat(path, &now) == 0 && now.st_ino == s->inode;
    free(path);
    return there;
}

bool state_make_again(struct state *s, struct err *e)
{
    sqlite3_close(s->db);
    s->db = NULL;
    s->nsaved = 0;
    if (open_checked(s, true, e))
        return true;
    /* Statements have to find something that refuses them. */
    if (s->db == NULL)
        sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READONLY, NULL);
    return false;
}

int state_layout(void)
{
    return VERSION;
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
