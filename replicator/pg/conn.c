#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_private.h"
#include "repl/clock.h"
#include "repl/log.h"

enum { CONNECT_TIMEOUT_MS = 20000, INTERRUPT_LOOK_MS = 200 };

void one_line(char *out, size_t size, const char *message)
{
    size_t n = 0;
    for (; *message != '\0' && n + 1 < size; message++) {
        char ch = *message == '\n' || *message == '\t' ? ' ' : *message;
        if (ch == ' ' && (n == 0 || out[n - 1] == ' '))
            continue;
        out[n++] = ch;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void set_side(const struct conn *c, struct err *e)
{
    snprintf(e->side, sizeof e->side, "%s", side_name(c->side));
}

bool conn_fail(struct conn *c, struct err *e)
{
    char text[sizeof e->text];
    one_line(text, sizeof text, PQerrorMessage(c->pg));
    c->lost = true;
    err_set(e, ERR_CONN, "%s", text[0] != '\0' ? text : "the connection was lost");
    set_side(c, e);
    return false;
}

bool conn_result_error(struct conn *c, const PGresult *res, struct err *e)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *schema = PQresultErrorField(res, PG_DIAG_SCHEMA_NAME);
    const char *table = PQresultErrorField(res, PG_DIAG_TABLE_NAME);
    const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
    if (state == NULL) /* libpq made it: the connection broke */
        return conn_fail(c, e);

    char text[sizeof e->text];
    one_line(text, sizeof text, primary != NULL ? primary : "unknown error");
    bool gone = strncmp(state, "57P0", 4) == 0 || strncmp(state, "08", 2) == 0;
    err_set(e, gone ? ERR_CONN : ERR_SQL, "%s", text);
    snprintf(e->sqlstate, sizeof e->sqlstate, "%s", state);
    set_side(c, e);
    if (schema != NULL && table != NULL)
        err_table(e, schema, table);
    if (hint != NULL)
        err_hint(e, "%s", hint);
    if (gone)
        c->lost = true;
    return false;
}

/* ---- waiting ---- */

static bool interrupted(const struct conn *c)
{
    return c->interrupt != NULL && interrupt_level(c->interrupt) >= c->give_up_at;
}

static bool say_interrupted(struct conn *c, struct err *e)
{
    err_set(e, ERR_STOPPED, "interrupted");
    set_side(c, e);
    return false;
}

bool conn_wait(struct conn *c, short events, uint64_t deadline, short *ready, struct err *e)
{
    for (;;) {
        if (interrupted(c))
            return say_interrupted(c, e);
        int timeout = -1;
        if (deadline != 0) {
            uint64_t now = clock_ms();
            if (now >= deadline) {
                c->lost = true;
                err_set(e, ERR_CONN, "no answer from the server in time");
                set_side(c, e);
                return false;
            }
            timeout = (int)(deadline - now);
        }
        struct pollfd fds[2] = {{.fd = PQsocket(c->pg), .events = events}, {.events = POLLIN}};
        /* A level that is raised but too low for this connection leaves the descriptor readable for good: then
         * the level is looked at from time to time instead. */
        nfds_t count = 1;
        if (c->interrupt != NULL && interrupt_level(c->interrupt) == INTERRUPT_NONE) {
            fds[1].fd = interrupt_fd(c->interrupt);
            count = 2;
        } else if (c->interrupt != NULL && (timeout < 0 || timeout > INTERRUPT_LOOK_MS)) {
            timeout = INTERRUPT_LOOK_MS;
        }
        int n = poll(fds, count, timeout);
        if (n < 0 && errno != EINTR)
            return err_set(e, ERR_OS, "poll: %s", strerror(errno));
        if (n > 0 && fds[0].revents != 0) {
            *ready = fds[0].revents;
            return true;
        }
    }
}

bool conn_rest(struct conn *c, unsigned ms, struct err *e)
{
    struct pollfd fd = {.fd = -1, .events = POLLIN};
    if (c->interrupt != NULL)
        fd.fd = interrupt_fd(c->interrupt);
    poll(&fd, 1, (int)ms);
    return c->interrupt == NULL || interrupt_level(c->interrupt) == INTERRUPT_NONE || say_interrupted(c, e);
}

bool conn_flush(struct conn *c, struct err *e)
{
    for (;;) {
        int r = PQflush(c->pg);
        short ready;
        if (r == 0)
            return true;
        if (r < 0)
            return conn_fail(c, e);
        if (!conn_wait(c, POLLIN | POLLOUT, 0, &ready, e))
            return false;
        if ((ready & POLLIN) != 0 && PQconsumeInput(c->pg) == 0)
            return conn_fail(c, e);
    }
}

/* ---- connecting ---- */

static bool connect_wait(struct conn *c, struct err *e)
{
    uint64_t deadline = clock_ms() + CONNECT_TIMEOUT_MS;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    short ready;
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED)
            return conn_fail(c, e);
        if (!conn_wait(c, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, &ready, e))
            return false;
        want = PQconnectPoll(c->pg);
    }
    return true;
}

/* What a server says beside its answers is a log line like others, and never a secret of ours. */
static void on_notice(void *arg, const char *text)
{
    const struct conn *c = arg;
    log_debug("%s: %.*s", side_name(c->side), (int)strcspn(text, "\n"), text);
}

static bool start(struct conn *c, const char *spec, const struct conn_options *o, struct err *e)
{
    char *resolved, name[64];
    if (!dsn_resolve(spec, &resolved, e)) {
        set_side(c, e);
        return false;
    }
    c->safe = dsn_safe(resolved);
    snprintf(name, sizeof name, "repl: %s", o->purpose);
    char *options = dsn_session_options(resolved);
    /* Well under the 350 s after which load balancers of AWS forget a silent connection. */
    const char *const keys[] = {
        "dbname",          "application_name",    "client_encoding",  "options",          "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", NULL};
    const char *const values[] = {
        resolved, name, o->encoding != NULL ? o->encoding : "UTF8", options, "1", "60", "10", "6",
        "90000",  NULL};
    c->pg = PQconnectStartParams(keys, values, 1);
    free(options);
    free(resolved);
    if (c->pg == NULL)
        return err_set(e, ERR_OS, "out of memory");
    PQsetNoticeProcessor(c->pg, on_notice, c);
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return conn_fail(c, e);
    return connect_wait(c, e);
}

static bool is_pooled(struct conn *c, struct err *e)
{
    err_set(e, ERR_CONFIG,
            "this connection goes through a pooler (PgBouncer), which would lose LISTEN, locks "
            "and settings");
    set_side(c, e);
    return err_hint(e,
                    "give %s the direct URL of the database (Heroku: DATABASE_URL, not the "
                    "DATABASE_CONNECTION_POOL_URL)",
                    side_option(c->side));
}

static bool connect_failed(struct conn *c, struct err *e)
{
    if (e->kind != ERR_CONN || c->safe == NULL)
        return false;
    if (strstr(e->text, "unsupported startup parameter") !=
        NULL) /* PgBouncer's words; a server takes options */
        return is_pooled(c, e);
    const char *option = side_option(c->side);
    err_context(e, "cannot connect to %s", c->safe);
    if (strstr(e->text, "authentication failed") != NULL)
        return err_hint(e, "check user and password of %s; Heroku rotates them: give env:NAME or command:CMD",
                        option);
    if (strstr(e->text, "does not exist") != NULL)
        return err_hint(e, "check the user and the database's name in %s", option);
    return err_hint(e, "check %s: is the server up, is the host allowed in (security group, pg_hba.conf)?",
                    option);
}

/* A pooler makes up the process id that it tells its clients, and would lose LISTEN, locks and settings. */
static bool refuse_pooler_and_standby(struct conn *c, struct err *e)
{
    struct result *r = NULL;
    if (!pg_query(c, "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()", 0, NULL, &r, e))
        return false;
    bool pooled = result_int(r, 0, 0) != PQbackendPID(c->pg);
    bool standby = result_bool(r, 0, 1);
    result_free(r);
    if (pooled)
        return is_pooled(c, e);
    if (standby && c->side == SIDE_FORK) {
        err_set(e, ERR_CONFIG, "this server is a standby (a follower): it changes while it is read");
        err_hint(e, "make a fork instead, or promote it (Heroku: heroku pg:unfollow)");
    } else if (standby) {
        err_set(e, ERR_CONFIG, "this server is a standby: repl must write there");
        err_hint(e, "give %s the URL of the primary", side_option(c->side));
    } else {
        return true;
    }
    set_side(c, e);
    return false;
}

static char *settings_sql(struct conn *c, const struct conn_options *o)
{
    /* Quoting first: it decides how the others are kept. */
    static const char fixed[] =
        "SET quote_all_identifiers = off; SET search_path = pg_catalog;"
        "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres;"
        "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = hex; SET xmloption = content;"
        "SET standard_conforming_strings = on; SET array_nulls = on; SET enable_tidscan = on;"
        "SET client_min_messages = warning; SET row_security = off; SET jit = off; SET lc_monetary = 'C';"
        "SET default_transaction_isolation = 'read committed';"
        "SET synchronous_commit = on; SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB';";
    struct buf b = {0};
    buf_puts(&b, fixed);
    buf_printf(&b, "SET default_transaction_read_only = %s;", o->read_only ? "on" : "off");
    buf_printf(&b, "SET lock_timeout = %u; SET statement_timeout = %u;", o->lock_timeout_ms,
               o->statement_timeout_ms);
    buf_printf(&b, "SET idle_in_transaction_session_timeout = '%s';",
               o->side == SIDE_TARGET ? "10min" : "60s");
    if (conn_server_version(c) >= 140000)
        buf_puts(&b, "SET idle_session_timeout = 0; SET client_connection_check_interval = '2s';");
    if (conn_server_version(c) >= 170000)
        buf_puts(&b, "SET transaction_timeout = 0;");
    if (o->origin != NULL && o->origin[0] != '\0') {
        buf_puts(&b, "SET repl.origin = ");
        sql_literal(&b, o->origin);
        buf_puts(&b, ";");
    }
    if (o->apply)
        buf_puts(&b, "SET session_replication_role = replica;");
    return b.data;
}

static bool configure(struct conn *c, const struct conn_options *o, struct err *e)
{
    if (!refuse_pooler_and_standby(c, e))
        return false;
    char *sql = settings_sql(c, o);
    bool ok = pg_exec(c, sql, e);
    free(sql);
    if (ok || !err_is(e, "42501"))
        return ok;
    char *user = xstrdup(PQuser(c->pg));
    err_set(e, ERR_CONFIG, "role %s may not set session_replication_role", user);
    set_side(c, e);
    err_hint(e,
             "as a superuser on the target: GRANT SET ON PARAMETER session_replication_role TO %s; "
             "(on Amazon RDS connect as a member of rds_superuser)",
             user);
    free(user);
    return false;
}

bool conn_open(const char *spec, const struct conn_options *o, struct conn **out, struct err *e)
{
    struct conn *c = xcalloc(1, sizeof *c);
    c->side = o->side;
    c->interrupt = o->interrupt;
    c->give_up_at = INTERRUPT_NOW;
    bool ok = start(c, spec, o, e);
    if (!ok)
        connect_failed(c, e);
    else if (PQsetnonblocking(c->pg, 1) != 0)
        ok = conn_fail(c, e);
    else
        ok = configure(c, o, e);
    if (!ok) {
        set_side(c, e);
        conn_close(c);
        return false;
    }
    *out = c;
    return true;
}

void conn_close(struct conn *c)
{
    if (c == NULL)
        return;
    PQfinish(c->pg);
    free(c->safe);
    free(c);
}

bool conn_usable(const struct conn *c)
{
    return !c->lost && PQstatus(c->pg) == CONNECTION_OK;
}

bool conn_stands(struct conn *c)
{
    while (conn_usable(c)) {
        struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return true;
        if (PQconsumeInput(c->pg) == 0)
            c->lost = true;
    }
    return false;
}

enum side conn_side(const struct conn *c)
{
    return c->side;
}

int conn_fd(const struct conn *c)
{
    return PQsocket(c->pg);
}

int conn_server_version(const struct conn *c)
{
    return PQserverVersion(c->pg);
}

int conn_backend_pid(const struct conn *c)
{
    return PQbackendPID(c->pg);
}

void conn_interrupt_at(struct conn *c, enum interrupt_level level)
{
    c->give_up_at = level;
}
