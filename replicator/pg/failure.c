/*
 * Why a connection did not come about. What a server says is told apart by its SQLSTATE and by the routine that it names,
 * never by its words, which are in the server's language; what the system says by its own text of the error; and what a
 * connection came to by how far it had come. Where that is not enough, no more is said than is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn_private.h"

#define RDS_BUNDLE "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

/* ---- what a server said ---- */

struct server_error {
    char sqlstate[6];
    char routine[64];
};

static bool is_sqlstate(const char *p)
{
    for (int i = 0; i < 5; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'A' && p[i] <= 'Z')))
            return false;
    return p[5] == ':' || p[5] == '\n' || p[5] == '\0';
}

bool conn_sqlstate_of(const char *message, char code[6])
{
    bool found = false;
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (!is_sqlstate(at + 3))
            continue;
        found = true;
        if (code != NULL)
            snprintf(code, 6, "%.5s", at + 3);
    }
    return found;
}

/* One line of a verbose message: "SEVERITY:  28P01: text" without the code, "LOCATION:  routine, file:line" not at all. */
static void take_line(struct buf *out, const char *line, size_t n, struct server_error *said)
{
    static const char location[] = "LOCATION:  ";
    char *copy = xasprintf("%.*s", (int)n, line);
    char *colon = copy;
    if (strncmp(copy, location, sizeof location - 1) == 0) {
        const char *routine = copy + sizeof location - 1;
        snprintf(said->routine, sizeof said->routine, "%.*s", (int)strcspn(routine, ","), routine);
    } else if (*copy != '\t' && *copy != '\0') { /* libpq's advice begins with a tab */
        while ((colon = strstr(colon, ":  ")) != NULL && !is_sqlstate(colon + 3))
            colon += 3;
        buf_puts(out, out->len != 0 ? "; " : "");
        if (colon == NULL) {
            buf_puts(out, copy);
        } else {
            snprintf(said->sqlstate, sizeof said->sqlstate, "%.5s", colon + 3);
            said->routine[0] = '\0';
            buf_printf(out, "%.*s: %s", (int)(colon - copy), copy,
                       colon + 3 + 5 + strspn(colon + 3 + 5, ": "));
        }
    }
    free(copy);
}

/* Of several servers that were tried the last one counts. */
static void take_message(const char *message, struct buf *text, struct server_error *said)
{
    *said = (struct server_error){0};
    buf_puts(text, "");
    while (*message != '\0') {
        size_t n = strcspn(message, "\n");
        take_line(text, message, n, said);
        message += n + (message[n] == '\n');
    }
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

/* By SQLSTATE, and the routine where one code has several meanings; NULL: any. */
static const struct {
    const char *sqlstate, *routine, *hint;
} answers[] = {
    {"28P01", NULL, "check user and password of %s; Heroku rotates them: give env:NAME or command:CMD"},
    {"28000", "InitializeSessionUserId",
     "check the user in %s: that role does not exist or may not log in (ALTER ROLE ... LOGIN)"},
    {"28000", NULL,
     "the server lets such a connection not in (pg_hba.conf): check user and database in %s, this machine's "
     "address, "
     "and whether the server wants TLS"},
    {"3D000", NULL, "check the database's name in %s"},
    {"42501", NULL, "the user in %s may not connect to that database: GRANT CONNECT ON DATABASE ... TO ..."},
    {"55000", NULL, "check the database's name in %s: that one takes no connections"},
    {"53300", "InitializeSessionUserId",
     "the role in %s has as many connections as it may: end some, ALTER ROLE ... CONNECTION LIMIT, or give "
     "repl fewer with --jobs; the engine needs two (three while it reads the schema), a command one more"},
    {"53300", "CheckMyDatabase",
     "the database in %s has as many connections as it may: end some, ALTER DATABASE ... CONNECTION LIMIT, "
     "or give repl fewer with --jobs; the engine needs two (three while it reads the schema), a command one "
     "more"},
    {"53300", NULL,
     "all connections of the server in %s are taken: end some, raise max_connections, or give repl fewer "
     "with --jobs"},
    {"57P03", NULL, "the server in %s starts, stops or recovers: try again in a moment"},
};

static bool hint_of_server(const struct server_error *said, const char *option, struct err *e)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].sqlstate, said->sqlstate) == 0 &&
            (answers[i].routine == NULL || strcmp(answers[i].routine, said->routine) == 0)) {
            char *hint = xasprintf("%s", answers[i].hint), *place = strstr(hint, "%s");
            err_hint(e, "%.*s%s%s", (int)(place - hint), hint, option, place + 2);
            free(hint);
            return false;
        }
    return err_hint(e, "check %s", option);
}

/* ---- what the system said ---- */

/* libpq puts the system's text of an error into its message; it is the same text here, in whatever language. */
static bool system_says(const char *text, const int *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, strerror(codes[i])) != NULL)
            return true;
    return false;
}

static bool name_unknown(const char *text)
{
    static const int codes[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_NODATA, EAI_ADDRFAMILY};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strstr(text, gai_strerror(codes[i])) != NULL)
            return true;
    return false;
}

#define SAYS(text, ...)                                                                                      \
    system_says(text, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static bool hint_of_system(const char *text, ConnStatusType before, const char *option, struct err *e)
{
    if (name_unknown(text))
        return err_hint(e,
                        "check the host in %s: its name cannot be resolved here (a typing error, a server "
                        "that is gone, or "
                        "this machine's DNS)",
                        option);
    if (SAYS(text, ECONNREFUSED))
        return err_hint(e, "check host and port in %s: nothing listens there; is the server up?", option);
    if (SAYS(text, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN))
        return err_hint(e,
                        "check %s: that host cannot be reached from here; is this machine allowed in "
                        "(security group, VPC, "
                        "firewall)?",
                        option);
    if (SAYS(text, EMFILE, ENFILE))
        return err_hint(
            e,
            "repl has too few file descriptors: raise `ulimit -n`, or give it fewer connections with --jobs");
    if (SAYS(text, ENOENT))
        return err_hint(e, "check %s: no server has its socket there; give a host", option);
    if (SAYS(text, EACCES, EPERM))
        return err_hint(e, "check %s: this user, or a firewall of this machine, may not connect there",
                        option);
    if (before == CONNECTION_BAD)
        return err_hint(e, "check the parameters in %s, and the service file where it names one", option);
    return err_hint(e, "check %s: is it a PostgreSQL server, is it up?", option);
}

/* ---- TLS ---- */

static const char *value_of(const PQconninfoOption *o, const char *keyword)
{
    for (; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

/* The file that certificates are to be proven by; false: none is needed, or it can be read. */
static bool root_missing(const PQconninfoOption *o, char *path, size_t size)
{
    const char *mode = value_of(o, "sslmode"), *root = value_of(o, "sslrootcert");
    const struct passwd *user = getpwuid(geteuid());
    if (mode == NULL || strncmp(mode, "verify-", 7) != 0)
        return false;
    if (root != NULL && *root != '\0')
        snprintf(path, size, "%s", root);
    else
        snprintf(path, size, "%s/.postgresql/root.crt", user != NULL ? user->pw_dir : "");
    if (strcmp(path, "system") == 0)
        return PQlibVersion() < 160000;
    return access(path, R_OK) != 0;
}

static bool hint_of_tls(struct conn *c, const char *text, const char *option, struct err *e)
{
    char path[512];
    PQconninfoOption *o = PQconninfo(c->pg);
    bool missing = root_missing(o, path, sizeof path);
    PQconninfoFree(o);
    const bool closed = strstr(text, "closed the connection") != NULL || SAYS(text, ECONNRESET, EPIPE);
    if (!closed)
        snprintf(e->sqlstate, sizeof e->sqlstate, "%s", ERR_CODE_TLS);
    if (missing && strcmp(path, "system") == 0)
        return err_hint(e, "sslrootcert=system needs a newer libpq (16): give sslrootcert=FILE in %s",
                        option);
    if (missing)
        return err_hint(
            e, "give sslrootcert=FILE in %s: %s cannot be read. The certificates of Amazon RDS: " RDS_BUNDLE,
            option, path);
    /* libpq's own words, which are in no other language than English, since repl sets no locale. Nothing else tells these
     * apart: the library sends and reads as far as it gets in one call. */
    if (strstr(text, "does not support SSL") != NULL)
        return err_hint(
            e, "this server offers no TLS; where the network to it is trusted, say so: sslmode=disable in %s",
            option);
    if (closed)
        return err_hint(
            e,
            "check %s: the other end hung up when it was asked for TLS; is it a PostgreSQL server, is it up?",
            option);
    return err_hint(
        e,
        "check sslmode and sslrootcert of %s: the server's certificate was not accepted, or TLS could not be "
        "agreed on. The host must be the one in the certificate; for Amazon RDS: " RDS_BUNDLE,
        option);
}

/* ---- all of it ---- */

static bool files_are_out(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE;
    close(fd);
    return false;
}

bool conn_silent(struct conn *c, ConnStatusType before, struct err *e)
{
    const char *option = side_option(c->side);
    err_context(e, "cannot connect to %s", c->safe);
    if (before == CONNECTION_STARTED || before == CONNECTION_NEEDED)
        return err_hint(e,
                        "check %s: that host does not answer; is this machine allowed in (security group, "
                        "VPC, firewall), is "
                        "it the right host?",
                        option);
    return err_hint(e,
                    "check %s: something takes connections there and does not speak; is it a PostgreSQL "
                    "server, does it hang?",
                    option);
}

bool conn_refused(struct conn *c, ConnStatusType before, struct err *e)
{
    const char *option = side_option(c->side);
    const bool files = files_are_out();
    struct server_error said = {0};
    struct buf text = {0};
    take_message(PQerrorMessage(c->pg), &text, &said);
    c->lost = true;
    err_set(e, ERR_CONN, "cannot connect to %s: %s", c->safe,
            text.len != 0 ? buf_text(&text) : "the connection was lost");
    snprintf(e->sqlstate, sizeof e->sqlstate, "%s", said.sqlstate);
    conn_set_side(c, e);
    if (files)
        err_files(e, EMFILE);
    /* Who speaks for a server names its routine. A pooler has none to name, and refuses what libpq sends. */
    if (strcmp(said.sqlstate, "08P01") == 0 && said.routine[0] == '\0') {
        conn_pooled(c, e);
    } else if (said.sqlstate[0] != '\0') {
        hint_of_server(&said, option, e);
    } else if (before == CONNECTION_SSL_STARTUP) {
        hint_of_tls(c, buf_text(&text), option, e);
    } else {
        hint_of_system(buf_text(&text), before, option, e);
    }
    buf_free(&text);
    return false;
}
