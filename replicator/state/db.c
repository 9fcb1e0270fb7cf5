#include "db.h"

#include "repl/mem.h"

struct param param_text(const char *s)
{
    return (struct param){.type = s != NULL ? PARAM_TEXT : PARAM_NULL, .s = s};
}

bool db_fail(struct state *s, struct err *e)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    err_set(e, ERR_STATE, "state file %s/state.db: %s", s->dir, sqlite3_errmsg(s->db));
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        err_hint(e, "repl stop, then repl start: the file is kept aside and made again from both sides (or "
                    "repl init with the same "
                    "--source and --target)");
    else if (code == SQLITE_FULL)
        err_hint(e, "make room on the disk that holds %s", s->dir);
    else if (code == SQLITE_READONLY)
        err_hint(e,
                 "%s/state.db, or the disk that holds it, is read-only: mount it writable, or chmod 600 it",
                 s->dir);
    return false;
}

bool db_bind(struct state *s, sqlite3_stmt *st, const struct param *params, int n, struct err *e)
{
    for (int i = 0; i < n; i++) {
        const struct param *p = &params[i];
        int rc = SQLITE_OK;
        switch (p->type) {
        case PARAM_NULL:
            rc = sqlite3_bind_null(st, i + 1);
            break;
        case PARAM_INT:
            rc = sqlite3_bind_int64(st, i + 1, p->i);
            break;
        case PARAM_REAL:
            rc = sqlite3_bind_double(st, i + 1, p->d);
            break;
        case PARAM_TEXT:
            rc = sqlite3_bind_text(st, i + 1, p->s, -1, SQLITE_STATIC);
            break;
        }
        if (rc != SQLITE_OK)
            return db_fail(s, e);
    }
    return true;
}

bool db_prepare(struct state *s, const char *sql, const struct param *params, int n, sqlite3_stmt **out,
                struct err *e)
{
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK)
        return db_fail(s, e);
    if (!db_bind(s, *out, params, n, e)) {
        sqlite3_finalize(*out);
        *out = NULL;
        return false;
    }
    return true;
}

bool db_step(struct state *s, sqlite3_stmt *st, bool *row, struct err *e)
{
    int rc = sqlite3_step(st);
    *row = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(s, e);
    return true;
}

bool db_run(struct state *s, const char *sql, const struct param *params, int n, struct err *e)
{
    sqlite3_stmt *st;
    if (!db_prepare(s, sql, params, n, &st, e))
        return false;
    bool row = true, ok = true;
    while (ok && row)
        ok = db_step(s, st, &row, e);
    sqlite3_finalize(st);
    return ok;
}

bool db_script(struct state *s, const char *sql, struct err *e)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(s, e);
    return true;
}

bool db_end(struct state *s, bool ok, struct err *e)
{
    if (ok && db_script(s, "COMMIT", e))
        return true;
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

char *db_text(sqlite3_stmt *st, int col)
{
    const unsigned char *text = sqlite3_column_text(st, col);
    return text != NULL ? xstrdup((const char *)text) : NULL;
}

int64_t db_int(sqlite3_stmt *st, int col, int64_t if_null)
{
    return sqlite3_column_type(st, col) == SQLITE_NULL ? if_null : sqlite3_column_int64(st, col);
}

double db_real(sqlite3_stmt *st, int col, double if_null)
{
    return sqlite3_column_type(st, col) == SQLITE_NULL ? if_null : sqlite3_column_double(st, col);
}
