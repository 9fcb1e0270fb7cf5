#include "repl/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "repl/str.h"
#include <sys/resource.h>

void err_clear(struct err *e)
{
    memset(e, 0, sizeof *e);
}

bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    char text[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_cut(text, sizeof text);
    err_clear(e);
    e->kind = kind;
    memcpy(e->text, text, sizeof text);
    return false;
}

bool err_text(struct err *e, const char *fmt, ...)
{
    char text[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_cut(text, sizeof text);
    memcpy(e->text, text, sizeof text);
    return false;
}

bool err_context(struct err *e, const char *fmt, ...)
{
    char context[sizeof e->text], text[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    memcpy(text, e->text, sizeof text);
    size_t used = (size_t)snprintf(e->text, sizeof e->text, "%s", context);
    if (used < sizeof e->text) /* the end of the text is what may be lost */
        snprintf(e->text + used, sizeof e->text - used, ": %.*s", (int)(sizeof e->text - used), text);
    str_cut(e->text, sizeof e->text);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
    if (e->hint[0] == '\0') {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->hint, sizeof e->hint, fmt, ap);
        va_end(ap);
        str_cut(e->hint, sizeof e->hint);
    }
    return false;
}

bool err_table(struct err *e, const char *schema, const char *name)
{
    if (e->table[0] == '\0')
        snprintf(e->table, sizeof e->table, "%s.%s", schema, name);
    str_cut(e->table, sizeof e->table);
    return false;
}

bool err_files(struct err *e, int why)
{
    struct rlimit files;
    if (why != EMFILE && why != ENFILE)
        return false;
    memcpy(e->sqlstate, ERR_CODE_FILES, sizeof ERR_CODE_FILES);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        err_hint(
            e,
            "raise the limit of open files, which is %llu (ulimit -n; LimitNOFILE= of a systemd service); a "
            "worker needs two or three",
            (unsigned long long)files.rlim_cur);
    return false;
}

bool err_is(const struct err *e, const char *code)
{
    size_t n = strlen(code);
    return e->sqlstate[0] != '\0' && strncmp(e->sqlstate, code, n) == 0;
}

/* ---- what it means ---- */

/* By SQLSTATE, which no server translates; the longer codes stand before their classes. */
static const struct err_rule by_code[] = {
    {"08", VERDICT_RETRY, "the connection broke"},
    {"25006", VERDICT_RETRY, "the server is a standby, or read only for the moment (a failover)"},
    {"25P03", VERDICT_RETRY, "the session was idle in a transaction for too long"},
    {"25P04", VERDICT_RETRY, "the transaction took longer than the server allows"},
    {"28", VERDICT_FAIL, "wrong password, a role that does not exist or may not log in, pg_hba.conf"},
    {"3D000", VERDICT_FAIL, "no such database"},
    {"40", VERDICT_RETRY, "a deadlock, or a transaction that has to be repeated"},
    {"53", VERDICT_RETRY, "too few connections, locks, disk or memory"},
    {"55006", VERDICT_RETRY, "an object is in use"},
    {"55P03", VERDICT_RETRY, "a lock did not come in time"},
    {"57014", VERDICT_RETRY, "a statement was cancelled, or took too long"},
    {"57P04", VERDICT_FAIL, "the database was dropped"},
    {"57", VERDICT_RETRY, "the server stops, starts, or ended the session"},
    {ERR_CODE_TLS, VERDICT_FAIL, "TLS, or the server's certificate, was refused"},
    {ERR_CODE_FILES, VERDICT_RETRY, "too many files are open in the engine's process"},
    {"0A", VERDICT_FAIL, "the server cannot do that: its version"},
    {"22", VERDICT_TABLE, "a value does not fit into its column"},
    {"23", VERDICT_TABLE, "a row violates a constraint of the target"},
    {"42", VERDICT_TABLE, "a table, column or right that is missing or another than it was"},
    {"44", VERDICT_TABLE, "a row violates a view's check"},
    {"54", VERDICT_TABLE, "a limit of PostgreSQL, such as the size of a row"},
    {"RP001", VERDICT_RETRY, "the source is not as the engine left it; repl looks at what became of it"},
    {"P0", VERDICT_TABLE, "a function of the application raised it"},
    {"XX", VERDICT_TABLE, "an internal error, or damaged data"},
    {"", VERDICT_TABLE, "every other SQLSTATE"},
};

/* Where no server said anything. */
static const struct {
    enum err_kind kind;
    enum verdict verdict;
    const char *text;
} by_kind[] = {
    {ERR_CONN, VERDICT_RETRY, "no server answers, or a connection was lost"},
    {ERR_CONFLICT, VERDICT_RETRY, "somebody else is at it, or a table was altered meanwhile"},
    {ERR_NOT_YET, VERDICT_RETRY, "what is waited for has not come"},
    {ERR_CONFIG, VERDICT_TABLE, "what was asked for cannot be done as asked"},
    {ERR_USAGE, VERDICT_FAIL, "the command is wrong"},
    {ERR_STATE, VERDICT_FAIL, "the local state file"},
    {ERR_OS, VERDICT_FAIL, "files, memory, programs"},
};

enum { CODES = sizeof by_code / sizeof *by_code, KINDS = sizeof by_kind / sizeof *by_kind };

enum verdict err_verdict(const struct err *e)
{
    for (size_t i = 0; e->sqlstate[0] != '\0' && i < CODES; i++)
        if (strncmp(e->sqlstate, by_code[i].code, strlen(by_code[i].code)) == 0)
            return by_code[i].verdict;
    for (size_t i = 0; i < KINDS; i++)
        if (by_kind[i].kind == e->kind)
            return by_kind[i].verdict;
    return VERDICT_FAIL;
}

bool err_rule(unsigned index, struct err_rule *out)
{
    if (index < CODES)
        *out = by_code[index];
    else if (index < CODES + KINDS)
        *out = (struct err_rule){err_kind_name(by_kind[index - CODES].kind), by_kind[index - CODES].verdict,
                                 by_kind[index - CODES].text};
    return index < CODES + KINDS;
}

const char *err_verdict_name(enum verdict v)
{
    static const char *const names[] = {
        [VERDICT_RETRY] = "retry", [VERDICT_TABLE] = "pause the table", [VERDICT_FAIL] = "fail"};
    return names[v];
}

bool err_is_transient(const struct err *e)
{
    return err_verdict(e) == VERDICT_RETRY;
}

bool err_is_brief(const struct err *e)
{
    return err_is(e, "53300") || err_is(e, "57P") || err_is(e, "25006") || err_is_lock(e) ||
           (e->kind == ERR_CONN && err_is_transient(e));
}

bool err_is_lock(const struct err *e)
{
    return err_is(e, "55P03") || err_is(e, "40P01");
}

int err_exit_code(const struct err *e)
{
    switch (e->kind) {
    case ERR_NONE:
        return 0;
    case ERR_USAGE:
        return 2;
    case ERR_NOT_YET:
        return 3;
    default:
        return 1;
    }
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",       [ERR_USAGE] = "usage",       [ERR_CONFIG] = "config", [ERR_CONN] = "conn",
        [ERR_SQL] = "sql",         [ERR_CONFLICT] = "conflict", [ERR_STATE] = "state",   [ERR_OS] = "os",
        [ERR_NOT_YET] = "not_yet", [ERR_STOPPED] = "stopped",
    };
    return names[kind];
}
