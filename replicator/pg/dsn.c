#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "repl/pg.h"

static bool read_first_line(FILE *f, char **out)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, f);
    if (n < 0) {
        free(line);
        return false;
    }
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        line[--n] = '\0';
    *out = line;
    return true;
}

static bool from_file(const char *path, char **out, struct err *e)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(e, ERR_CONFIG, "cannot read the connection file %s: %s", path, strerror(errno));
    bool ok = read_first_line(f, out);
    fclose(f);
    return ok || err_set(e, ERR_CONFIG, "the connection file %s is empty", path);
}

static bool from_command(const char *command, char **out, struct err *e)
{
    FILE *f = popen(command, "re");
    if (f == NULL)
        return err_set(e, ERR_OS, "cannot run the connection command: %s", strerror(errno));
    bool ok = read_first_line(f, out);
    int status = pclose(f);
    if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (ok)
        free(*out);
    *out = NULL;
    /* Worth another try: such commands ask services that have bad days. */
    return err_set(e, ERR_CONN, "the connection command failed (exit status %d)",
                   WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static bool read_spec(const char *spec, char **out, struct err *e)
{
    if (strncmp(spec, "file:", 5) == 0)
        return from_file(spec + 5, out, e);
    if (strncmp(spec, "command:", 8) == 0)
        return from_command(spec + 8, out, e);
    if (strncmp(spec, "env:", 4) != 0) {
        *out = xstrdup(spec);
        return true;
    }
    const char *value = getenv(spec + 4);
    if (value == NULL || *value == '\0') {
        err_set(e, ERR_CONFIG, "the environment variable %s is not set", spec + 4);
        return err_hint(e, "export %s=postgres://USER@HOST:5432/DBNAME", spec + 4);
    }
    *out = xstrdup(value);
    return true;
}

static bool is_local(const char *host)
{
    return host == NULL || *host == '\0' || *host == '/' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

static void add_pair(struct buf *b, const char *keyword, const char *value)
{
    buf_printf(b, "%s%s='", b->len != 0 ? " " : "", keyword);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            buf_puts(b, "\\");
        buf_add(b, value, 1);
    }
    buf_puts(b, "'");
}

/* libpq's own message is not shown: it quotes pieces of the string, and one may be the password. */
static bool parse(const char *text, PQconninfoOption **out, struct err *e)
{
    char *message = NULL;
    *out = PQconninfoParse(text, &message);
    PQfreemem(message);
    if (*out != NULL)
        return true;
    err_set(e, ERR_CONFIG, "the connection string cannot be understood");
    return err_hint(e, "give postgres://USER:PASSWORD@HOST:5432/DBNAME (percent-encode special characters), "
                       "or env:NAME, file:PATH, command:CMD");
}

bool dsn_resolve(const char *spec, char **out, struct err *e)
{
    char *text = NULL;
    PQconninfoOption *options = NULL;
    if (!read_spec(spec, &text, e))
        return false;
    bool ok = parse(text, &options, e);
    free(text);
    if (!ok)
        return false;

    /* libpq takes what follows the first @ for the host, and would show the rest of the password as its name. */
    const char *host = option_value(options, "host");
    if (host != NULL && strchr(host, '@') != NULL) {
        PQconninfoFree(options);
        err_set(e, ERR_CONFIG, "the connection string cannot be understood: it has more than one @");
        err_hint(e, "write an @ in the password as %%40");
        return false;
    }

    struct buf b = {0};
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (o->val != NULL)
            add_pair(&b, o->keyword, o->val);
    if (option_value(options, "sslmode") == NULL && getenv("PGSSLMODE") == NULL &&
        (!is_local(option_value(options, "host")) || option_value(options, "hostaddr") != NULL) &&
        !is_local(option_value(options, "hostaddr") != NULL ? option_value(options, "hostaddr")
                                                            : option_value(options, "host")))
        add_pair(&b, "sslmode", "require");
    PQconninfoFree(options);
    buf_puts(&b, "");
    *out = b.data;
    return true;
}

char *dsn_get(const char *resolved, const char *keyword)
{
    struct err e;
    PQconninfoOption *options = NULL;
    if (!parse(resolved, &options, &e))
        return NULL;
    const char *value = option_value(options, keyword);
    char *copy = value != NULL ? xstrdup(value) : NULL;
    PQconninfoFree(options);
    return copy;
}

char *dsn_safe(const char *spec)
{
    struct err e;
    char *resolved;
    PQconninfoOption *o;
    if (!dsn_resolve(spec, &resolved, &e))
        return xstrdup("(not resolved)");
    if (!parse(resolved, &o, &e)) {
        free(resolved);
        return xstrdup("(not resolved)");
    }
    const char *user = option_value(o, "user"), *host = option_value(o, "host"),
               *port = option_value(o, "port");
    const char *db = option_value(o, "dbname");
    char *safe = xasprintf("%s%s%s%s%s/%s", user != NULL ? user : "", user != NULL ? "@" : "",
                           host != NULL ? host : "local", port != NULL ? ":" : "", port != NULL ? port : "",
                           db != NULL ? db : (user != NULL ? user : ""));
    PQconninfoFree(o);
    free(resolved);
    return safe;
}

bool dsn_split_password(const char *resolved, char **conninfo, char **password, struct err *e)
{
    PQconninfoOption *options = NULL;
    if (!parse(resolved, &options, e))
        return false;
    struct buf b = {0};
    *password = NULL;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        if (strcmp(o->keyword, "password") == 0)
            *password = xstrdup(o->val);
        else
            add_pair(&b, o->keyword, o->val);
    }
    PQconninfoFree(options);
    buf_puts(&b, "");
    *conninfo = b.data;
    return true;
}

char *dsn_with(const char *resolved, const char *keyword, const char *value)
{
    struct buf b = {0};
    buf_puts(&b, resolved);
    add_pair(&b, keyword, value); /* of two the last holds */
    return b.data;
}

char *dsn_session_options(const char *resolved)
{
    char *given = dsn_get(resolved, "options");
    const char *own = given != NULL ? given : getenv("PGOPTIONS");
    char *options = xasprintf("%s -c statement_timeout=0", own != NULL ? own : "");
    free(given);
    return options;
}

static void add_encoded(struct buf *b, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            buf_add(b, text, 1);
        else
            buf_printf(b, "%%%02X", (unsigned char)*text);
    }
}

/* The parts of a URI that have their own places; the rest are its parameters. */
static bool has_place(const char *keyword)
{
    static const char *const places[] = {"user", "password", "host", "port", "dbname"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(keyword, places[i]) == 0)
            return true;
    return false;
}

bool dsn_uri(const char *resolved, bool with_password, char **out, struct err *e)
{
    PQconninfoOption *o = NULL;
    struct buf b = {0};
    if (!parse(resolved, &o, e))
        return false;
    const char *user = option_value(o, "user"), *password = option_value(o, "password"),
               *host = option_value(o, "host"), *port = option_value(o, "port"),
               *db = option_value(o, "dbname");
    buf_puts(&b, "postgres://");
    if (user != NULL)
        add_encoded(&b, user);
    if (with_password && password != NULL) {
        buf_puts(&b, ":");
        add_encoded(&b, password);
    }
    if (user != NULL || (with_password && password != NULL))
        buf_puts(&b, "@");
    if (host != NULL)
        add_encoded(&b, host);
    if (port != NULL)
        buf_printf(&b, ":%s", port);
    buf_puts(&b, "/");
    if (db != NULL)
        add_encoded(&b, db);
    const char *mark = "?";
    for (const PQconninfoOption *p = o; p->keyword != NULL; p++) {
        if (p->val == NULL || has_place(p->keyword) || strcmp(p->keyword, "sslpassword") == 0)
            continue;
        buf_printf(&b, "%s%s=", mark, p->keyword);
        add_encoded(&b, p->val);
        mark = "&";
    }
    PQconninfoFree(o);
    *out = b.data;
    return true;
}
