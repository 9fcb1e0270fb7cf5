#include "pg_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "repl/clock.h"
#include "repl/embedded.h"

/* pg_dump locks the tables that it describes. It waits for no lock longer than this, so that it never stands in
 * front of the application behind somebody's ALTER TABLE; then it is tried again. */
#define LOCK_WAIT "--lock-wait-timeout=500"
enum { ENGINE_TRIES_MS = 2000, COMMAND_TRIES_MS = 600000 };

/* What pg_dump does not set itself, and its literals depend on. They are read in sessions that have these. */
#define DUMP_SETTINGS "-c standard_conforming_strings=on -c lc_monetary=C"

struct pg_dump {
    const struct sync *s;
    char *program, *file;
    struct strlist exclude, unread; /* options, and what they leave out */
    const struct interrupt *i;
    /* While it runs: */
    struct run *run;
    struct child child;
    struct strlist argv;
    const char **vector; /* the same, as exec wants it */
    struct dsn_child from;
    char *service; /* the path of its file; NULL: there is none */
};

/* -N and -T for what repl made or is about to make, and for what this role may not read: pg_dump would end at it. */
static bool add_exclusions(struct pg_dump *d, struct conn *source, struct err *e)
{
    struct result *r;
    const char *const own[] = {d->s->schema, d->s->twin};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct buf name = {0};
        sql_ident(&name, own[i]);
        strlist_add(&d->exclude, "-N");
        strlist_add(&d->exclude, name.data);
        buf_free(&name);
    }
    const struct sql_var vars[] = {{"schema", d->s->schema}, {NULL, NULL}};
    if (!pg_query_filled(source, sql_schema_dump_exclude, vars, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        struct buf name = {0}, line = {0};
        bool table = !result_null(r, i, 1);
        sql_ident(&name, result_text(r, i, 0));
        if (table) {
            buf_puts(&name, ".");
            sql_ident(&name, result_text(r, i, 1));
        }
        strlist_add(&d->exclude, table ? "-T" : "-N");
        strlist_add(&d->exclude, name.data);
        if (!result_null(r, i, 2)) {
            buf_printf(&line, "left out: %s %s, %s", table ? "table" : "schema", name.data,
                       result_text(r, i, 2));
            strlist_add(&d->unread, line.data);
        }
        buf_free(&name);
        buf_free(&line);
    }
    result_free(r);
    return true;
}

static void forget_run(struct pg_dump *d)
{
    free(d->vector);
    strlist_free(&d->argv);
    if (d->service != NULL)
        unlink(d->service);
    free(d->service);
    dsn_child_free(&d->from);
    d->argv = (struct strlist){0};
    d->child = (struct child){0};
    d->vector = NULL;
    d->service = NULL;
    d->run = NULL;
}

static void fill_arguments(struct pg_dump *d, const char *conninfo)
{
    static const char *const fixed[] = {
        "-Fc",       "--schema-only",   "--no-owner", "--no-acl", "--no-subscriptions",
        "--no-sync", "--encoding=UTF8", LOCK_WAIT,    "-w"};
    strlist_add(&d->argv, d->program);
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
        strlist_add(&d->argv, fixed[k]);
    for (size_t k = 0; k < d->exclude.count; k++)
        strlist_add(&d->argv, d->exclude.items[k]);
    const char *const tail[] = {"-f", d->file, "-d", conninfo};
    for (size_t k = 0; k < sizeof tail / sizeof *tail; k++)
        strlist_add(&d->argv, tail[k]);
}

/* What only the child may know, in a file that only this user may read, for as long as it runs. */
static bool write_service(struct pg_dump *d, struct err *e)
{
    if (d->from.service == NULL)
        return true;
    char *path = xasprintf("%s/schema.service", d->s->dir);
    unlink(path); /* of one that was killed */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t n = strlen(d->from.service);
    bool ok = fd >= 0 && write(fd, d->from.service, n) == (ssize_t)n;
    int why = errno;
    if (fd >= 0)
        close(fd);
    d->service = path;
    return ok || err_set(e, ERR_OS, "%s cannot be written: %s", path, strerror(why));
}

/* Where the dump comes from. Caller frees. */
static bool dump_conninfo(struct pg_dump *d, char **conninfo, struct err *e)
{
    char *resolved;
    if (!dsn_resolve_unless(d->i, d->s->source, &resolved, e))
        return false;
    bool ok = dsn_for_child(resolved, &d->from, e);
    if (ok) {
        char *session = dsn_session_options(resolved);
        char *options = xasprintf("%s %s", session, DUMP_SETTINGS);
        char *unnamed = dsn_with(d->from.conninfo, "options", options);
        *conninfo = dsn_with(unnamed, "application_name", "repl: pg_dump");
        free(unnamed);
        free(options);
        free(session);
    }
    explicit_bzero(resolved, strlen(resolved));
    free(resolved);
    if (ok && !write_service(d, e)) {
        free(*conninfo);
        ok = false;
    }
    return ok;
}

static bool begin(struct pg_dump *d, struct err *e)
{
    char *conninfo;
    if (!dump_conninfo(d, &conninfo, e)) {
        forget_run(d);
        return false;
    }
    fill_arguments(d, conninfo);
    free(conninfo);
    d->vector = xcalloc(d->argv.count + 1, sizeof *d->vector);
    for (size_t k = 0; k < d->argv.count; k++)
        d->vector[k] = d->argv.items[k];
    d->child = (struct child){
        .argv = d->vector, .password = d->from.password, .service_file = d->service, .interrupt = d->i};
    bool ok = child_begin(&d->child, &d->run, e);
    if (!ok)
        forget_run(d);
    return ok;
}

bool pg_dump_begin(const struct sync *s, struct conn *source, const char *program, const char *file,
                   const struct interrupt *i, struct pg_dump **out, struct err *e)
{
    struct pg_dump *d = xcalloc(1, sizeof *d);
    d->s = s;
    d->program = xstrdup(program);
    d->file = xstrdup(file);
    d->i = i;
    if (!add_exclusions(d, source, e) || !begin(d, e)) {
        pg_dump_free(d);
        return false;
    }
    *out = d;
    return true;
}

/* pg_dump may say nothing for minutes, and waits for its server without an end: the one that we know is asked. */
static bool source_answers(void *arg, struct err *e)
{
    return conn_ping(arg, pg_patience_ms(), e) || e->kind != ERR_CONN;
}

static bool end(struct pg_dump *d, struct conn *source, struct err *e)
{
    d->child.alive = source_answers;
    d->child.arg = source;
    bool ok = child_end(d->run, e);
    forget_run(d);
    return ok;
}

/* Who has it, where a lock was in the way; as an error of a statement would have it. */
static void blame(struct conn *source, struct err *e)
{
    snprintf(e->side, sizeof e->side, "%s", side_name(SIDE_SOURCE));
    if (e->kind != ERR_CONFLICT)
        return;
    snprintf(e->sqlstate, sizeof e->sqlstate, "55P03");
    catalog_blame(source, e);
}

bool pg_dump_end(struct pg_dump *d, struct conn *source, say_fn say, void *arg, struct err *e)
{
    struct backoff wait = {.base_ms = 500, .max_ms = 2000};
    uint64_t began = clock_ms(), most = d->i != NULL ? ENGINE_TRIES_MS : COMMAND_TRIES_MS;
    for (size_t i = 0; i < d->unread.count; i++)
        say(arg, d->unread.items[i]);
    for (;;) {
        if ((d->run != NULL || begin(d, e)) && end(d, source, e))
            return true;
        blame(source, e);
        if (e->kind != ERR_CONFLICT || clock_ms() - began > most ||
            (d->i != NULL && interrupt_level(d->i) != INTERRUPT_NONE))
            return false;
        char *text =
            xasprintf("%s%s%s; trying pg_dump again", e->table, e->table[0] != '\0' ? ": " : "", e->text);
        say(arg, text);
        free(text);
        if (!interrupt_rest(d->i, backoff_next_ms(&wait)))
            return false;
    }
}

void pg_dump_free(struct pg_dump *d)
{
    if (d == NULL)
        return;
    child_give_up(d->run);
    forget_run(d);
    strlist_free(&d->exclude);
    strlist_free(&d->unread);
    free(d->program);
    free(d->file);
    free(d);
}
