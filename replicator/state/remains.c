/*
 * A state file that is none any more: what is wrong with it, and which settings can still be read. Where SQLite gives up
 * its records are searched for: a row of "setting" is a header of three small numbers, the key, and the value behind it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "dir.h"
#include "repl/embedded.h"
#include "repl/mem.h"
#include "repl/state.h"

enum { PAGE = 4096, FILE_MOST = 64 * 1024 * 1024, VALUE_MOST = 8192 };

static const char *const keys[] = {"source",    "target",   "schema",    "tables",   "exclude",
                                   "jobs",      "max_rate", "no_schema", "auto_add", "allow_plaintext",
                                   "copy_from", "way"};
enum { KEYS = sizeof keys / sizeof *keys };

static int key_index(const char *key)
{
    for (int k = 0; k < KEYS; k++)
        if (strcmp(keys[k], key) == 0)
            return k;
    return -1;
}

static void take(char *found[KEYS], int k, const char *value, size_t n)
{
    free(found[k]);
    found[k] = xasprintf("%.*s", (int)n, value);
}

/* ---- as SQLite has it ---- */

static sqlite3 *open_read_only(const char *dir)
{
    sqlite3 *db = NULL;
    char *path = xasprintf("%s/state.db", dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        sqlite3_close(db);
        db = NULL;
    }
    free(path);
    if (db != NULL)
        sqlite3_busy_timeout(db, 5000);
    return db;
}

static void read_rows(const char *dir, char *found[KEYS])
{
    sqlite3 *db = open_read_only(dir);
    sqlite3_stmt *q = NULL;
    if (db != NULL && sqlite3_prepare_v2(db, sql_state_setting_all, -1, &q, NULL) == SQLITE_OK)
        while (sqlite3_step(q) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(q, 0),
                       *value = (const char *)sqlite3_column_text(q, 1);
            int k = key != NULL ? key_index(key) : -1;
            if (k >= 0 && value != NULL)
                take(found, k, value, strlen(value));
        }
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* ---- as it lies in the file ---- */

/* The length of a text as a record's header has it, in one byte or two; 0: it is none. */
static size_t text_length(const unsigned char *type, size_t *bytes)
{
    unsigned v = type[0];
    *bytes = 1;
    if (v >= 0x80) {
        v = ((v & 0x7f) << 7) | type[1];
        *bytes = 2;
        if (type[1] >= 0x80)
            return 0;
    }
    return v >= 15 && v % 2 == 1 ? (v - 13) / 2 : 0;
}

static bool is_plain(const unsigned char *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (value[i] < 0x20 || value[i] == 0x7f)
            return false;
    return true;
}

/* Of one page the first: SQLite fills pages from their end. */
static void search_page(const unsigned char *data, size_t from, size_t to, size_t len, char *found[KEYS])
{
    bool seen[KEYS] = {false};
    for (size_t i = from; i < to; i++)
        for (int k = 0; k < KEYS; k++) {
            size_t n = strlen(keys[k]), bytes;
            if (seen[k] || i < 4 || i + n > len || memcmp(data + i, keys[k], n) != 0)
                continue;
            for (size_t wide = 1; wide <= 2 && !seen[k]; wide++) {
                const unsigned char *head = data + i - wide - 2;
                size_t size = text_length(head + 2, &bytes);
                if (head[0] != wide + 2 || head[1] != 13 + 2 * n || bytes != wide || size == 0 ||
                    size > VALUE_MOST || i + n + size > len || !is_plain(data + i + n, size))
                    continue;
                take(found, k, (const char *)data + i + n, size);
                seen[k] = true;
            }
        }
}

static void search_file(const char *dir, const char *name, char *found[KEYS])
{
    int at, fd = -1;
    struct err ignored;
    struct stat st;
    if (!state_dir_open(dir, &at, &ignored))
        return;
    fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    close(at);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MOST) {
        unsigned char *data = xmalloc((size_t)st.st_size);
        ssize_t n = pread(fd, data, (size_t)st.st_size, 0);
        for (size_t i = 0; n > 0 && i < (size_t)n; i += PAGE)
            search_page(data, i, i + PAGE < (size_t)n ? i + PAGE : (size_t)n, (size_t)n, found);
        free(data);
    }
    if (fd >= 0)
        close(fd);
}

void state_remains(const char *dir, void (*setting)(void *arg, const char *key, const char *value), void *arg)
{
    char *found[KEYS] = {NULL};
    read_rows(dir, found);
    if (found[0] == NULL || found[1] == NULL) {
        search_file(dir, "state.db", found);
        search_file(dir, "state.db-wal", found); /* what is newer */
    }
    for (int k = 0; k < KEYS; k++) {
        if (found[k] != NULL)
            setting(arg, keys[k], found[k]);
        free(found[k]);
    }
}

/* ---- what is wrong ---- */

static bool answers(sqlite3 *db, const char *sql, char *out, size_t size, int *code)
{
    sqlite3_stmt *q = NULL;
    *code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (*code == SQLITE_OK)
        *code = sqlite3_step(q);
    bool row = *code == SQLITE_ROW;
    if (row) {
        const char *text = (const char *)sqlite3_column_text(q, 0);
        sqlite3_snprintf((int)size, out, "%s", text != NULL ? text : "");
    }
    sqlite3_finalize(q);
    return row;
}

static bool broken(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

enum state_fault state_examine(const char *dir)
{
    struct stat st;
    int at, code = SQLITE_OK;
    char value[256] = "";
    struct err e;
    if (lstat(dir, &st) != 0)
        return STATE_MISSING;
    if (!state_dir_open(dir, &at, &e))
        return STATE_UNUSABLE;
    bool there = fstatat(at, "state.db", &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(at);
    if (!there)
        return STATE_MISSING;
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return STATE_BROKEN;
    sqlite3 *db = open_read_only(dir);
    if (db == NULL)
        return STATE_UNUSABLE;
    enum state_fault fault = STATE_GOOD;
    if (!answers(db, "PRAGMA user_version", value, sizeof value, &code))
        fault = broken(code) ? STATE_BROKEN : STATE_UNUSABLE;
    else if (atoi(value) > state_layout())
        fault = STATE_NEWER;
    else if (!answers(db, "PRAGMA quick_check(1)", value, sizeof value, &code) || strcmp(value, "ok") != 0)
        fault = code == SQLITE_ROW || broken(code) ? STATE_BROKEN : STATE_UNUSABLE;
    else if (!answers(db, "SELECT count(*) FROM setting WHERE key IN ('source', 'target')", value,
                      sizeof value, &code) ||
             atoi(value) != 2)
        fault = code == SQLITE_ROW || (code & 0xff) == SQLITE_ERROR ? STATE_EMPTY
                : broken(code)                                      ? STATE_BROKEN
                                                                    : STATE_UNUSABLE;
    sqlite3_close(db);
    return fault;
}
