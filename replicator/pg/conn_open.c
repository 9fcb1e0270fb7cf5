/*
 * From a connection's spec to a session that is set up: what it may not be (a pooler, a standby, a wire that others
 * read), and settings that no role, database or URL decides.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "conn_private.h"
#include "repl/clock.h"
#include "repl/log.h"

enum { CONNECT_LEAST_MS = 5000, GRACE_MS = 2000 };

/* ---- the wire ---- */

static bool is_encrypted(PGconn *pg)
{
    return PQsslInUse(pg) != 0 || PQgssEncInUse(pg) != 0;
}

/* By what the socket is connected to, not by a name. */
static bool is_remote(PGconn *pg)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    if (getpeername(PQsocket(pg), (struct sockaddr *)&peer, &len) != 0)
        return true;
    if (peer.ss_family == AF_UNIX)
        return false;
    if (peer.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &peer, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 != 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, &peer, sizeof v6);
    return !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) &&
           !(IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

/* Between the first packet, which holds no secret, and the password that the server may ask for. */
static bool guard_wire(struct conn *c, struct err *e)
{
    if (PQstatus(c->pg) != CONNECTION_AWAITING_RESPONSE || is_encrypted(c->pg) || c->may_be_plain ||
        !is_remote(c->pg))
        return true;
    c->lost = true;
    err_set(e, ERR_CONFIG,
            "the server is another machine and the connection is not encrypted: the password was not sent");
    conn_set_side(c, e);
    return err_hint(
        e, "give sslmode=require (or verify-full) in %s; where the network is trusted, sslmode=disable",
        side_option(c->side));
}

void conn_wire(const struct conn *c, struct conn_wire *out)
{
    PQconninfoOption *all = PQconninfo(c->pg);
    *out = (struct conn_wire){.encrypted = is_encrypted(c->pg), .remote = is_remote(c->pg)};
    for (const PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "sslmode") == 0 && o->val != NULL)
            snprintf(out->sslmode, sizeof out->sslmode, "%s", o->val);
    PQconninfoFree(all);
}

static bool connect_wait(struct conn *c, uint64_t deadline, struct err *e)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    ConnStatusType before = PQstatus(c->pg);
    short ready;
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED)
            return conn_refused(c, before, e);
        if (!conn_wait(c, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, &ready, e))
            return e->kind == ERR_CONN ? conn_silent(c, before, e) : false;
        before = PQstatus(c->pg);
        want = PQconnectPoll(c->pg);
        if (want != PGRES_POLLING_FAILED && !guard_wire(c, e))
            return false;
    }
    return true;
}

/* ---- the beginning ---- */

static unsigned connect_ms(void)
{
    const unsigned patience = pg_patience_ms();
    return patience > CONNECT_LEAST_MS ? patience : CONNECT_LEAST_MS;
}

/* What a server says beside its answers is a log line like others, and never a secret of ours. */
static void on_notice(void *arg, const char *text)
{
    const struct conn *c = arg;
    log_debug("%s: %.*s", side_name(c->side), (int)strcspn(text, "\n"), text);
}

/* Afterwards *deadline is that of what follows. */
static bool start(struct conn *c, const char *spec, const struct conn_options *o, uint64_t *deadline,
                  struct err *e)
{
    char name[sizeof c->purpose + 8];
    snprintf(c->purpose, sizeof c->purpose, "%s", o->purpose);
    snprintf(name, sizeof name, "repl: %s", o->purpose);
    if (!conn_dial(c, spec, name, o->encoding != NULL ? o->encoding : "UTF8", *deadline, e))
        return false;
    PQsetNoticeProcessor(c->pg, on_notice, c);
    PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE); /* only so a refusal comes with its code: see failure.c */
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return conn_refused(c, CONNECTION_BAD, e);
    /* What it took to find out where the server is does not count. */
    *deadline = clock_ms() + connect_ms();
    bool ok = connect_wait(c, *deadline, e);
    PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
    return ok;
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
        return conn_pooled(c, e);
    if (standby && c->side == SIDE_FORK) {
        err_set(e, ERR_CONFIG, "this server is a standby (a follower): it changes while it is read");
        err_hint(e, "make a fork instead, or promote it (Heroku: heroku pg:unfollow)");
    } else if (standby) {
        err_set(e, ERR_CONFIG, "this server is a standby (in recovery): repl must write there");
        snprintf(e->sqlstate, sizeof e->sqlstate, "25006"); /* what a statement that writes would get */
        err_hint(e, "give %s the URL of the primary", side_option(c->side));
    } else {
        return true;
    }
    conn_set_side(c, e);
    return false;
}

static char *settings_sql(struct conn *c, const struct conn_options *o)
{
    /* Quoting first: it decides how the others are kept. */
    static const char fixed[] =
        "SET quote_all_identifiers = off;"
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
    /* A client that is gone is noticed within a minute, so that its locks go; a wire without TCP ignores these. */
    buf_puts(&b,
             "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 5;");
    if (conn_server_version(c) >= 120000)
        buf_puts(&b, "SET tcp_user_timeout = 45000;");
    if (conn_server_version(c) >= 140000)
        buf_puts(&b, "SET idle_session_timeout = 0; SET client_connection_check_interval = '2s';");
    if (conn_server_version(c) >= 170000)
        buf_puts(&b, "SET transaction_timeout = 0;");
    buf_puts(&b, "SELECT pg_catalog.set_config('search_path', ");
    sql_literal(&b, o->search_path != NULL ? o->search_path : "pg_catalog");
    buf_puts(&b, ", false);");
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
    conn_set_side(c, e);
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
    uint64_t deadline = clock_ms() + connect_ms();
    c->side = o->side;
    c->interrupt = o->interrupt;
    c->wire = o->wire;
    c->give_up_at = INTERRUPT_NOW;
    bool ok = start(c, spec, o, &deadline, e);
    if (ok && PQsetnonblocking(c->pg, 1) != 0)
        ok = conn_fail(c, e);
    c->until_ms = deadline;
    ok = ok && configure(c, o, e);
    c->until_ms = 0;
    c->answer_ms = o->statement_timeout_ms != 0 ? o->statement_timeout_ms + GRACE_MS : 0;
    c->heard_ms = clock_ms();
    if (!ok) {
        conn_set_side(c, e);
        conn_close(c);
        return false;
    }
    *out = c;
    return true;
}
