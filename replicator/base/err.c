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
    if ((why == EMFILE || why == ENFILE) && getrlimit(RLIMIT_NOFILE, &files) == 0)
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

bool err_is_transient(const struct err *e)
{
    /* Classes: 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator; 55P03 lock. */
    static const char *const codes[] = {"08", "40", "53", "57P", "57014", "55P03", "55006", "25P03", "25006"};
    if (e->kind == ERR_CONN || e->kind == ERR_CONFLICT)
        return true;
    if (e->kind != ERR_SQL)
        return false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (err_is(e, codes[i]))
            return true;
    return false;
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
