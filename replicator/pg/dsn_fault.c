/*
 * What is wrong with a connection string. libpq's own messages quote pieces of the string, and one may be the password:
 * so the string is looked at here, by libpq's rules, and an error names the mistake without the text around it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dsn_private.h"
#include "repl/str.h"

#define FORM "postgres://USER:PASSWORD@HOST:5432/DBNAME"
#define ENCODED                                                                                              \
    "in user and password write @ as %%40, / as %%2F, # as %%23, : as %%3A, ? as %%3F and %% as %%25"

enum { NAME_MOST = 40 };

const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

static bool wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_CONFIG, "the connection string cannot be understood: %s", what);
}

static bool not_encoded(struct err *e, const char *what)
{
    wrong(e, what);
    return err_hint(e, "percent-encode: " ENCODED);
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t name_length(const char *s)
{
    size_t n = 0;
    while (is_name_char(s[n]))
        n++;
    return isdigit((unsigned char)*s) ? 0 : n;
}

static bool is_keyword(const char *name, size_t n)
{
    PQconninfoOption *all = PQconninfoParse("", NULL);
    bool found = false;
    for (const PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++)
        found = found || (strlen(o->keyword) == n && strncmp(o->keyword, name, n) == 0);
    PQconninfoFree(all);
    return found;
}

/* ---- the beginning ---- */

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* What follows "postgres://", or NULL where the string is no URI. */
static const char *behind_scheme(const char *text)
{
    static const char *const schemes[] = {"postgres://", "postgresql://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (starts(text, schemes[i]))
            return text + strlen(schemes[i]);
    return NULL;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

/* "DATABASE_URL=postgres://...", "export DATABASE_URL='postgres://...": as it stands in a file of settings. */
static bool judge_assignment(const char *text, struct err *e)
{
    const char *name = starts(text, "export ") ? text + strlen("export ") : text;
    name += strspn(name, " \t");
    size_t n = name_length(name);
    const char *value = name + n + strspn(name + n, " \t");
    if (n == 0 || n > NAME_MOST || *value != '=' || is_keyword(name, n))
        return true;
    value += 1 + strspn(value + 1, " \t");
    value += is_quote(*value) ? 1 : 0;
    if (behind_scheme(value) == NULL)
        return true;
    err_set(e, ERR_CONFIG, "the connection string cannot be understood: it begins with %.*s=", (int)n, name);
    return err_hint(e, "leave out what stands before postgres://, or give env:%.*s", (int)n, name);
}

static bool judge_beginning(const char *text, struct err *e)
{
    if (is_quote(*text) || starts(text, "\xe2\x80\x98") || starts(text, "\xe2\x80\x99") ||
        starts(text, "\xe2\x80\x9c") || starts(text, "\xe2\x80\x9d")) {
        wrong(e, "it begins with a quote");
        return err_hint(e, "leave out the quotes around it: they belong to a shell or to a file of settings");
    }
    if (*text == '$') {
        wrong(e, "it begins with $, so no shell has put a variable's value there");
        return err_hint(e, "give env:DATABASE_URL, with the variable's name and without the $");
    }
    if (!judge_assignment(text, e))
        return false;
    if (behind_scheme(text) != NULL)
        return true;
    if (strncasecmp(text, "postgres", 8) == 0 && strchr(text, ':') != NULL &&
        strcspn(text, ":") < strcspn(text, "= ")) {
        wrong(e, "it begins with neither postgres:// nor postgresql://, in lower case and with two slashes");
        return err_hint(e, "give " FORM);
    }
    if (strstr(text, "://") != NULL && strcspn(text, ":") < strcspn(text, "= ")) {
        wrong(e, "it begins with another scheme than postgres:// or postgresql://");
        return err_hint(e,
                        "give " FORM "; jdbc: and driver names such as +psycopg2 belong to other programs");
    }
    size_t n = name_length(text);
    if (n != 0 && text[n + strspn(text + n, " \t")] == '=')
        return true;
    wrong(e, "it is neither a URI (postgres://...) nor a list of keyword=value");
    return err_hint(e, "give " FORM ", or env:NAME, file:PATH, command:CMD");
}

/* ---- parameters ---- */

/* A keyword that differs in a letter or two, or NULL; a static string of libpq's. */
static const char *near_keyword(const char *name)
{
    static const char *const often[] = {
        "host",           "hostaddr",        "port",        "dbname",           "user",
        "password",       "sslmode",         "sslrootcert", "sslcert",          "sslkey",
        "sslpassword",    "connect_timeout", "options",     "application_name", "target_session_attrs",
        "channel_binding"};
    for (size_t i = 0; i < sizeof often / sizeof *often; i++)
        if (str_distance(name, often[i]) <= strlen(name) / 3 && str_distance(name, often[i]) <= 2)
            return often[i];
    return NULL;
}

/* may_show: nothing around it looks like a piece of a password. */
static bool unknown_parameter(const char *name, size_t n, bool may_show, struct err *e)
{
    char shown[NAME_MOST + 1];
    size_t plain = 0;
    while (plain < n && (is_name_char(name[plain]) || name[plain] == '.' || name[plain] == '-'))
        plain++;
    if (!may_show || plain != n || n == 0 || n > NAME_MOST)
        return not_encoded(e, "it has a parameter that is none of libpq's");
    memcpy(shown, name, n);
    shown[n] = '\0';
    err_set(e, ERR_CONFIG, "the connection string has a parameter that PostgreSQL's client does not know: %s",
            shown);
    const char *near = near_keyword(shown);
    if (strcmp(shown, "ssl") == 0)
        return err_hint(e, "write sslmode=require (or verify-full with sslrootcert=FILE) in place of ssl");
    if (near != NULL)
        return err_hint(e, "did you mean %s?", near);
    return err_hint(e, "leave %s out: it is for another program (Prisma, ActiveRecord, a pool)", shown);
}

/* What stands behind the "?" of a URI. */
static bool judge_query(const char *query, struct err *e)
{
    bool odd = strchr(query, '@') != NULL;
    for (const char *p = query; *p != '\0';) {
        size_t n = strcspn(p, "&"), name = strcspn(p, "=&");
        bool jdbc = n == 8 && strncmp(p, "ssl=true", 8) == 0; /* libpq takes it for sslmode=require */
        if (name == n)
            return not_encoded(e, "it has a ? that no parameter=value follows");
        if (!jdbc && !is_keyword(p, name))
            return unknown_parameter(p, name, !odd, e);
        if (memchr(p + name + 1, '=', n - name - 1) != NULL) {
            err_set(
                e, ERR_CONFIG,
                "the connection string cannot be understood: the value of its parameter %.*s has an = in it",
                (int)name, p);
            return err_hint(e, "write = as %%3D in a value, and blanks as %%20");
        }
        p += n + (p[n] == '&');
    }
    return true;
}

/* ---- a URI ---- */

static bool judge_escapes(const char *rest, struct err *e)
{
    for (const char *p = rest; *p != '\0'; p++) {
        if (*p == '#')
            return not_encoded(e, "it has a # that is not percent-encoded");
        if (*p != '%')
            continue;
        if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
            return not_encoded(e, "it has a % that two hexadecimal digits do not follow");
        if (p[1] == '0' && p[2] == '0')
            return wrong(e, "it has a %00 in it");
    }
    return true;
}

static bool judge_port(const char *port, size_t n, struct err *e)
{
    char digits[8];
    long long v;
    if (n == 0)
        return true;
    if (n < sizeof digits && isdigit((unsigned char)*port)) {
        memcpy(digits, port, n);
        digits[n] = '\0';
        if (str_parse_int(digits, 1, 65535, &v))
            return true;
    }
    wrong(e, "its port is no number from 1 to 65535");
    return err_hint(e, "give " FORM "; " ENCODED);
}

/* Hosts and ports, up to end. */
static bool judge_hosts(const char *p, const char *end, struct err *e)
{
    while (p < end) {
        size_t n = 0;
        while (p + n < end && p[n] != ',')
            n++;
        const char *colon = memchr(p, ':', n), *closing = memchr(p, ']', n);
        if (*p == '[' && closing == NULL)
            return wrong(e, "its host begins with [ and has no ]");
        if (*p == '[' && closing + 1 < p + n && closing[1] != ':')
            return wrong(e, "behind the ] of its host comes neither a port nor a /");
        if (*p == '[')
            colon = closing + 1 < p + n ? closing + 1 : NULL;
        else if (colon != NULL && memchr(colon + 1, ':', n - (size_t)(colon + 1 - p)) != NULL)
            return not_encoded(e, "its host has more than one : (an IPv6 address stands in [ ])");
        for (size_t i = 0; i < n; i++)
            if (isspace((unsigned char)p[i]) || iscntrl((unsigned char)p[i]))
                return wrong(e, "its host has a blank in it");
        if (colon != NULL && !judge_port(colon + 1, (size_t)(p + n - colon - 1), e))
            return false;
        p += n + (p + n < end);
    }
    return true;
}

/* As libpq reads it: user and password end at the first @ that no / precedes. */
static bool judge_uri(const char *rest, struct err *e)
{
    size_t n = strlen(rest);
    const char *at = strchr(rest, '@'), *slash = strchr(rest, '/');
    bool user = at != NULL && (slash == NULL || at < slash);
    const char *hosts = user ? at + 1 : rest;
    const char *path = hosts + strcspn(hosts, "/?"), *query = strchr(path, '?');
    const char *end = query != NULL ? query : rest + n;
    if (n > 0 && is_quote(rest[n - 1])) {
        wrong(e, "it ends with a quote");
        return err_hint(e, "leave out the quotes around it: they belong to a shell or to a file of settings");
    }
    if (!judge_escapes(rest, e))
        return false;
    if (user && memchr(hosts, '@', (size_t)(end - hosts)) != NULL) {
        wrong(e, "it has more than one @");
        return err_hint(e, "write an @ in the password as %%40; percent-encode: " ENCODED);
    }
    if (!user && at != NULL && at < end) {
        wrong(e, "it has a / before the @");
        return err_hint(e, "write a / in the password as %%2F; percent-encode: " ENCODED);
    }
    return judge_hosts(hosts, path, e) && (query == NULL || judge_query(query + 1, e));
}

/* ---- keyword=value ---- */

/* Behind the value that begins at p; NULL where its quote is not closed. */
static const char *skip_value(const char *p, bool *quoted)
{
    *quoted = *p == '\'';
    for (p += *quoted ? 1 : 0; *p != '\0' && (*quoted ? *p != '\'' : !isspace((unsigned char)*p)); p++)
        if (*p == '\\' && p[1] != '\0')
            p++;
    if (*quoted)
        return *p == '\'' ? p + 1 : NULL;
    return p;
}

static bool judge_keywords(const char *p, struct err *e)
{
    bool behind_secret = false; /* a piece of a password may follow */
    for (p += strspn(p, " \t\r\n"); *p != '\0'; p += strspn(p, " \t\r\n")) {
        const char *name = p;
        size_t n = strcspn(p, "= \t\r\n");
        p += n + strspn(p + n, " \t\r\n");
        bool secret = n >= 8 && strncmp(name + n - 8, "password", 8) == 0, quoted;
        if (*p != '=' || (behind_secret && !is_keyword(name, n))) {
            wrong(e, behind_secret ? "behind its password comes what is no keyword=value"
                                   : "it has a word that no = follows");
            return err_hint(e, "put a value with blanks into single quotes: password='...'");
        }
        if (!is_keyword(name, n))
            return unknown_parameter(name, n, true, e);
        p = skip_value(p + 1 + strspn(p + 1, " \t\r\n"), &quoted);
        if (p == NULL)
            return wrong(e, "a quote in it is not closed");
        behind_secret = secret && !quoted;
    }
    return true;
}

/* ---- what was taken apart ---- */

static bool judge_ports(const char *ports, struct err *e)
{
    for (const char *p = ports; p != NULL && *p != '\0';
         p += p[strcspn(p, ",")] == ',' ? strcspn(p, ",") + 1 : strlen(p))
        if (!judge_port(p, strcspn(p, ","), e))
            return false;
    return true;
}

static bool judge_sslmode(const char *mode, struct err *e)
{
    static const char *const modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
    bool plain = true;
    for (size_t i = 0; mode != NULL && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i]) == 0)
            return true;
    if (mode == NULL || *mode == '\0')
        return true;
    for (const char *p = mode; *p != '\0'; p++)
        plain = plain && (isalpha((unsigned char)*p) || *p == '-');
    plain = plain && strlen(mode) <= NAME_MOST;
    err_set(e, ERR_CONFIG, "the connection string has an sslmode that does not exist%s%s", plain ? ": " : "",
            plain ? mode : "");
    if (strcmp(mode, "no-verify") == 0)
        return err_hint(e, "no-verify is node's word: sslmode=require encrypts and looks at no certificate, "
                           "verify-full with sslrootcert=FILE does");
    return err_hint(e, "sslmode is disable, require, verify-ca or verify-full (or allow, prefer)");
}

static bool judge_options(const PQconninfoOption *o, struct err *e)
{
    const char *host = option_value(o, "host");
    /* An abstract Unix socket begins with @; libpq takes the rest of a password for a host's name. */
    if (host != NULL && strchr(host + (*host == '@'), '@') != NULL) {
        wrong(e, "it has more than one @");
        return err_hint(e, "write an @ in the password as %%40; percent-encode: " ENCODED);
    }
    return judge_ports(option_value(o, "port"), e) && judge_sslmode(option_value(o, "sslmode"), e);
}

bool dsn_parse(const char *text, PQconninfoOption **out, struct err *e)
{
    *out = NULL;
    const char *rest = behind_scheme(text);
    if (*text != '\0' && !judge_beginning(text, e))
        return false;
    if (!(rest != NULL ? judge_uri(rest, e) : judge_keywords(text, e)))
        return false;
    *out = PQconninfoParse(text, NULL);
    if (*out == NULL) {
        err_set(e, ERR_CONFIG, "the connection string cannot be understood");
        return err_hint(e, "give " FORM " (percent-encode special characters), or env:NAME, file:PATH, "
                           "command:CMD");
    }
    if (judge_options(*out, e))
        return true;
    PQconninfoFree(*out);
    *out = NULL;
    return false;
}
