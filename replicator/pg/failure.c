/*
 * Why a connection could not be made. libpq hands out no SQLSTATE of it, but writes it into the message where it is asked to:
 * "SEVERITY:  CODE: text". That, and how far the connection had come, decides; the words are for people.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn_private.h"

enum { CODE = 5 };

static bool is_code(const char *s)
{
    for (int i = 0; i < CODE; i++)
        if (!isdigit((unsigned char)s[i]) && (s[i] < 'A' || s[i] > 'Z'))
            return false;
    return s[CODE] == ':' || s[CODE] == '\n' || s[CODE] == '\0';
}

/* Where the last one stands: of several addresses that were tried, the last is the one that failed for good. */
static const char *find_code(const char *message)
{
    const char *found = NULL;
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  "))
        if (is_code(at + 3))
            found = at + 3;
    return found;
}

bool conn_sqlstate_of(const char *message, char code[6])
{
    const char *at = find_code(message);
    if (at != NULL && code != NULL)
        snprintf(code, CODE + 1, "%.*s", CODE, at);
    return at != NULL;
}

/* The message without the code, and without its last line, which says where in the server's own source it was made. */
static void clean(char *message, const char *at)
{
    char *code = message + (at - message);
    size_t n = strlen(code);
    if (code[CODE] == ':' && code[CODE + 1] == ' ')
        memmove(code, code + CODE + 2, n - CODE - 1);
    n = strlen(message);
    while (n > 0 && message[n - 1] == '\n')
        message[--n] = '\0';
    char *line = strrchr(message, '\n');
    if (line != NULL && line > code)
        *line = '\0';
}

bool conn_pooled(const struct conn *c, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "this connection goes through a pooler (PgBouncer), which would lose LISTEN, locks "
            "and settings");
    conn_set_side(c, e);
    return err_hint(e,
                    "give %s the direct URL of the database (Heroku: DATABASE_URL, not the "
                    "DATABASE_CONNECTION_POOL_URL)",
                    side_option(c->side));
}

static bool files_are_out(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE;
    close(fd);
    return false;
}

/* What to do about what a server said. */
static void advise(const struct conn *c, struct err *e)
{
    static const struct {
        const char *code, *text;
    } hints[] = {
        {"28P01", "check user and password of %s; Heroku rotates them: give env:NAME or command:CMD"},
        {"28", "check the user of %s, whether the role may log in, and pg_hba.conf (is this host allowed in, "
               "with or "
               "without TLS?)"},
        {"3D000", "check the database's name in %s"},
        {"42501",
         "check the database's name in %s, and that its role may connect: GRANT CONNECT ON DATABASE"},
        {"53300", "free connections of that server or role, or let repl use fewer: repl set --jobs N; %s"},
        {"57P03", "wait until the server of %s is up; repl tries again"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (err_is(e, hints[i].code)) {
            char text[sizeof e->hint];
            const char *option = side_option(c->side), *at = strstr(hints[i].text, "%s");
            snprintf(text, sizeof text, "%.*s%s%s", (int)(at - hints[i].text), hints[i].text, option, at + 2);
            err_hint(e, "%s", text);
            return;
        }
}

bool conn_refused(struct conn *c, ConnStatusType before, struct err *e)
{
    char message[2048], code[CODE + 1] = "";
    const bool files = files_are_out();
    snprintf(message, sizeof message, "%s", PQerrorMessage(c->pg));
    const char *at = find_code(message);
    if (at != NULL) {
        conn_sqlstate_of(message, code);
        clean(message, at);
    }
    char text[sizeof e->text];
    one_line(text, sizeof text, message);
    c->lost = true;
    /* A server never finds fault with how libpq begins; PgBouncer does with parameters that it does not know. */
    if (strcmp(code, "08P01") == 0)
        return conn_pooled(c, e);
    err_set(e, ERR_CONN, "%s", text[0] != '\0' ? text : "the connection was lost");
    snprintf(e->sqlstate, sizeof e->sqlstate, "%s", code);
    conn_set_side(c, e);
    err_context(e, "cannot connect to %s", c->safe);
    advise(c, e);
    if (files)
        err_files(e, EMFILE);
    if (before == CONNECTION_SSL_STARTUP) {
        snprintf(e->sqlstate, sizeof e->sqlstate, "%s", ERR_CODE_TLS);
        err_hint(e,
                 "check sslmode, sslrootcert and the host's name in %s: the server's certificate, or TLS "
                 "itself, was refused",
                 side_option(c->side));
    }
    if (before == CONNECTION_BAD)
        return err_hint(e, "check the host's name and the options in %s", side_option(c->side));
    return err_hint(e, "check %s: is the server up, is the host allowed in (security group, pg_hba.conf)?",
                    side_option(c->side));
}
