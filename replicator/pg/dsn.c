/* Connection strings as libpq takes them: what they come to with environment and services, and what is safe to show. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dsn_private.h"

static atomic_bool plain_allowed;

void dsn_allow_plain(bool allowed)
{
    atomic_store(&plain_allowed, allowed);
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

/* ---- where it leads ---- */

/*
 * The parameters that hold when everything is put together: the string, a service, the environment, libpq's own. libpq
 * tells those of a connection alone: so it is given one with a value that it refuses before it looks for a server.
 * NULL: out of memory.
 */
#define REFUSED "target_session_attrs"

static PQconninfoOption *effective(const char *text)
{
    const char *const keys[] = {"dbname", REFUSED, NULL}, *const values[] = {text, "none at all", NULL};
    PGconn *c = PQconnectStartParams(keys, values, 1);
    PQconninfoOption *o = c != NULL ? PQconninfo(c) : NULL;
    PQfinish(c);
    return o;
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* By its name alone; what "localhost" leads to is looked at when it is connected to. */
static bool is_local(const char *host)
{
    return *host == '\0' || *host == '/' || *host == '@' || strcmp(host, "localhost") == 0 ||
           is_loopback(host);
}

/* The next of a list with commas, copied; *list moves on, and is NULL behind the last. Caller frees. */
static char *next_of(const char **list)
{
    const char *from = *list != NULL ? *list : "";
    size_t n = strcspn(from, ",");
    *list = from[n] == ',' ? from + n + 1 : NULL;
    return xasprintf("%.*s", (int)n, from);
}

/* Every host of the list is this machine. */
static bool all_local(const PQconninfoOption *o)
{
    const char *hosts = option_value(o, "host"), *addresses = option_value(o, "hostaddr");
    bool local = true;
    do {
        char *host = next_of(&hosts), *address = next_of(&addresses);
        local = local && (*address != '\0' ? is_loopback(address) : is_local(host));
        free(host);
        free(address);
    } while (hosts != NULL || addresses != NULL);
    return local;
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* A mode that a server, or somebody before it, can talk out of encryption. */
static bool may_fall_back(const char *mode)
{
    return same(mode, "prefer") || same(mode, "allow");
}

static bool from_service(const PQconninfoOption *given)
{
    const char *env = getenv("PGSERVICE");
    return option_value(given, "service") != NULL || (env != NULL && *env != '\0');
}

static bool refuse_plain(struct err *e, const char *what)
{
    err_set(e, ERR_CONFIG, "%s may send the password unencrypted to another machine", what);
    return err_hint(
        e, "leave it out (then sslmode=require holds), or give sslmode=verify-full and sslrootcert=FILE; "
           "where the network is trusted: sslmode=disable in the connection string, or --allow-plaintext");
}

/* *mode becomes what is to be added to the string, or NULL. */
static bool settle_sslmode(const PQconninfoOption *given, const PQconninfoOption *all, const char **mode,
                           struct err *e)
{
    const char *own = option_value(given, "sslmode"), *held = option_value(all, "sslmode");
    *mode = NULL;
    if (all_local(all) || atomic_load(&plain_allowed))
        return true;
    if (own != NULL && *own != '\0') {
        if (!may_fall_back(own))
            return true;
        return refuse_plain(e, same(own, "prefer") ? "sslmode=prefer" : "sslmode=allow");
    }
    if (same(held, "disable") && !from_service(given))
        return refuse_plain(e, "PGSSLMODE=disable");
    if (may_fall_back(held))
        *mode = "require";
    return true;
}

bool dsn_resolve_unless(const struct interrupt *i, const char *spec, char **out, struct err *e)
{
    char *text = NULL;
    PQconninfoOption *options = NULL;
    const char *mode = NULL;
    if (!spec_read(spec, i, &text, e))
        return false;
    bool ok = dsn_parse(text, &options, e);
    if (ok) {
        PQconninfoOption *all = effective(text);
        ok = (all != NULL || err_set(e, ERR_OS, "out of memory")) && settle_sslmode(options, all, &mode, e);
        PQconninfoFree(all);
    }
    explicit_bzero(text, strlen(text));
    free(text);
    if (!ok) {
        PQconninfoFree(options);
        return false;
    }
    struct buf b = {0};
    buf_puts(&b, "");
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        const char *value = mode != NULL && same(o->keyword, "sslmode") ? mode : o->val;
        if (value != NULL)
            add_pair(&b, o->keyword, value);
    }
    if (b.len == 0)
        add_pair(&b, "dbname", ""); /* all is libpq's to say; an empty string would be refused */
    PQconninfoFree(options);
    *out = b.data;
    return true;
}

bool dsn_resolve(const char *spec, char **out, struct err *e)
{
    return dsn_resolve_unless(NULL, spec, out, e);
}

bool dsn_may_be_plain(const char *resolved)
{
    struct err ignored;
    PQconninfoOption *given = NULL, *all = NULL;
    if (atomic_load(&plain_allowed))
        return true;
    if (!dsn_parse(resolved, &given, &ignored) || (all = effective(resolved)) == NULL) {
        PQconninfoFree(given);
        return false;
    }
    bool own = same(option_value(given, "sslmode"), "disable");
    bool plain = own || (same(option_value(all, "sslmode"), "disable") && from_service(given));
    PQconninfoFree(given);
    PQconninfoFree(all);
    return plain;
}

bool dsn_shows_password(const char *spec)
{
    struct err ignored;
    PQconninfoOption *o = NULL;
    if (strncmp(spec, "env:", 4) == 0 || strncmp(spec, "file:", 5) == 0 ||
        strncmp(spec, "command:", 8) == 0 || !dsn_parse(spec, &o, &ignored))
        return false;
    bool shows = false;
    for (const PQconninfoOption *p = o; p->keyword != NULL; p++)
        shows = shows || (p->val != NULL && *p->val != '\0' && strchr(p->dispchar, '*') != NULL);
    PQconninfoFree(o);
    return shows;
}

char *dsn_get(const char *resolved, const char *keyword)
{
    struct err e;
    PQconninfoOption *options = NULL;
    if (!dsn_parse(resolved, &options, &e))
        return NULL;
    const char *value = option_value(options, keyword);
    char *copy = value != NULL ? xstrdup(value) : NULL;
    PQconninfoFree(options);
    return copy;
}

static const char *host_shown(const PQconninfoOption *o)
{
    const char *host = option_value(o, "host"), *address = option_value(o, "hostaddr");
    if (host != NULL && *host != '\0')
        return host;
    return address != NULL && *address != '\0' ? address : "local";
}

char *dsn_safe(const char *spec)
{
    struct err e;
    char *resolved;
    PQconninfoOption *o = NULL, *all = NULL;
    if (!dsn_resolve(spec, &resolved, &e))
        return xstrdup("(not resolved)");
    if (!dsn_parse(resolved, &o, &e) || (all = effective(resolved)) == NULL) {
        PQconninfoFree(o);
        free(resolved);
        return xstrdup("(not resolved)");
    }
    bool service = from_service(o);
    const char *user = option_value(service ? all : o, "user"),
               *port = option_value(service ? all : o, "port"),
               *db = option_value(service ? all : o, "dbname");
    char *safe = xasprintf("%s%s%s%s%s/%s", user != NULL ? user : "", user != NULL ? "@" : "",
                           host_shown(all), port != NULL ? ":" : "", port != NULL ? port : "",
                           db != NULL ? db : (user != NULL ? user : ""));
    PQconninfoFree(o);
    PQconninfoFree(all);
    free(resolved);
    return safe;
}

/* ---- for children ---- */

/* A service file has no quotes: a line is a value as it is, without blanks at its end. */
static bool add_service_line(struct buf *b, const char *keyword, const char *value, struct err *e)
{
    enum { LINE_MOST = 1000 };
    size_t n = strlen(value);
    if (strpbrk(value, "\r\n") == NULL && n + strlen(keyword) < LINE_MOST && n != 0 && value[n - 1] != ' ' &&
        value[n - 1] != '\t') {
        buf_printf(b, "%s=%s\n", keyword, value);
        return true;
    }
    err_set(e, ERR_CONFIG, "the value of %s in the connection string cannot be handed to pg_dump", keyword);
    return err_hint(e, "choose one of less than %d bytes, without line breaks and blanks at its end",
                    LINE_MOST);
}

bool dsn_for_child(const char *resolved, struct dsn_child *out, struct err *e)
{
    PQconninfoOption *given = NULL, *o;
    struct buf bare = {0}, service = {0};
    bool hidden = false, ok = true;
    *out = (struct dsn_child){0};
    if (!dsn_parse(resolved, &given, e))
        return false;
    for (o = given; o->keyword != NULL; o++)
        hidden = hidden ||
                 (o->val != NULL && strchr(o->dispchar, '*') != NULL && strcmp(o->keyword, "password") != 0);
    /* With a service file of our own none of the user's can be named: then all that it says is said here. */
    PQconninfoOption *all = hidden && from_service(given) ? effective(resolved) : NULL;
    buf_puts(&bare, "");
    for (o = all != NULL ? all : given; ok && o->keyword != NULL; o++) {
        const char *own = all != NULL ? option_value(given, o->keyword) : NULL;
        const char *value = own != NULL ? own : o->val;
        if (all != NULL && own == NULL && strcmp(o->keyword, REFUSED) == 0)
            continue;
        if (value == NULL || (all != NULL && strcmp(o->keyword, "service") == 0))
            continue;
        if (strcmp(o->keyword, "password") == 0)
            out->password = xstrdup(value);
        else if (strchr(o->dispchar, '*') != NULL)
            ok = *value == '\0' || add_service_line(&service, o->keyword, value, e);
        else
            add_pair(&bare, o->keyword, value);
    }
    if (ok && service.len != 0) {
        add_pair(&bare, "service", DSN_CHILD_SERVICE);
        out->service = xasprintf("[" DSN_CHILD_SERVICE "]\n%s", service.data);
        explicit_bzero(service.data, service.len);
    }
    buf_free(&service);
    PQconninfoFree(given);
    PQconninfoFree(all);
    out->conninfo = bare.data;
    if (!ok)
        dsn_child_free(out);
    return ok;
}

void dsn_child_free(struct dsn_child *c)
{
    char *const secrets[] = {c->password, c->service};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (secrets[i] != NULL)
            explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    free(c->conninfo);
    *c = (struct dsn_child){0};
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
    if (!dsn_parse(resolved, &o, e))
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
        if (p->val == NULL || has_place(p->keyword) || strchr(p->dispchar, '*') != NULL)
            continue;
        buf_printf(&b, "%s%s=", mark, p->keyword);
        add_encoded(&b, p->val);
        mark = "&";
    }
    PQconninfoFree(o);
    *out = b.data;
    return true;
}
