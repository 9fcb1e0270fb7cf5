#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "child.h"
#include "repl/clock.h"
#include "repl/embedded.h"

/* pg_dump locks the tables that it describes. It waits for no lock longer than this, so that it never stands in
 * front of the application behind somebody's ALTER TABLE; then it is tried again. */
#define LOCK_WAIT "--lock-wait-timeout=500"
enum { TRIES = 20 };

/* What pg_dump does not set itself, and its literals depend on. They are read in sessions that have these. */
#define DUMP_SETTINGS "-c standard_conforming_strings=on -c lc_monetary=C"

static const char *const files[] = {"schema.dump",      "schema.dump.new", "schema.list",
                                    "schema.list.part", "schema.objects",  "schema.objects.part",
                                    "schema.use",       "schema.use.part"};

static char *path_of(struct arena *a, const struct sync *s, const char *name)
{
    return arena_printf(a, "%s/%s", s->dir, name);
}

void dump_remove(const char *dir)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = xasprintf("%s/%s", dir, files[i]);
        unlink(path);
        free(path);
    }
}

/* ---- files ---- */

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool file_write(const char *path, const char *text, size_t len, struct err *e)
{
    char *part = xasprintf("%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, text, len);
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    ok = ok && rename(part, path) == 0;
    if (!ok) {
        err_set(e, ERR_OS, "cannot write %s: %s", path, strerror(errno));
        unlink(part);
    }
    free(part);
    return ok;
}

static bool file_read(const char *path, struct arena *a, char **out, struct err *e)
{
    struct buf b = {0};
    char piece[8192];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(e, ERR_OS, "cannot read %s: %s", path, strerror(errno));
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(&b, piece, n);
    bool ok = ferror(f) == 0;
    fclose(f);
    *out = arena_strdup(a, buf_text(&b));
    buf_free(&b);
    return ok || err_set(e, ERR_OS, "cannot read %s", path);
}

/* ---- pg_dump ---- */

/* -N and -T for what this role may not read: pg_dump would end at it. */
static bool add_exclusions(const struct sync *s, struct conn *source, say_fn say, void *arg, struct arena *a,
                           struct strlist *argv, struct err *e)
{
    struct result *r;
    const char *const own[] = {s->schema, s->twin};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct buf name = {0};
        sql_ident(&name, own[i]);
        strlist_add(argv, "-N");
        strlist_add(argv, name.data);
        buf_free(&name);
    }
    if (!ask(source, sql_ops_dump_exclude, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        struct buf name = {0};
        bool table = !result_null(r, i, 1);
        sql_ident(&name, result_text(r, i, 0));
        if (table) {
            buf_puts(&name, ".");
            sql_ident(&name, result_text(r, i, 1));
        }
        strlist_add(argv, table ? "-T" : "-N");
        strlist_add(argv, name.data);
        say(arg, arena_printf(a, "left out: %s %s, which this role may not read", table ? "table" : "schema",
                              name.data));
        buf_free(&name);
    }
    result_free(r);
    return true;
}

/* Where the dump comes from, and the password apart. Caller frees both. */
static bool dump_conninfo(const struct sync *s, char **conninfo, char **password, struct err *e)
{
    char *resolved, *bare;
    if (!dsn_resolve(s->source, &resolved, e))
        return false;
    bool ok = dsn_split_password(resolved, &bare, password, e);
    if (ok) {
        char *session = dsn_session_options(resolved);
        char *options = xasprintf("%s %s", session, DUMP_SETTINGS);
        char *unnamed = dsn_with(bare, "options", options);
        *conninfo = dsn_with(unnamed, "application_name", "repl: pg_dump");
        free(unnamed);
        free(options);
        free(session);
        free(bare);
    }
    free(resolved);
    return ok;
}

static bool run_pg_dump(const struct sync *s, const char *pg_dump, const struct strlist *exclude,
                        const char *file, const struct interrupt *i, struct err *e)
{
    static const char *const fixed[] = {
        "-Fc",       "--schema-only",   "--no-owner", "--no-acl", "--no-subscriptions",
        "--no-sync", "--encoding=UTF8", LOCK_WAIT,    "-w"};
    char *conninfo, *password;
    if (!dump_conninfo(s, &conninfo, &password, e))
        return false;
    struct strlist argv = {0};
    strlist_add(&argv, pg_dump);
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
        strlist_add(&argv, fixed[k]);
    for (size_t k = 0; k < exclude->count; k++)
        strlist_add(&argv, exclude->items[k]);
    const char *const tail[] = {"-f", file, "-d", conninfo};
    for (size_t k = 0; k < sizeof tail / sizeof *tail; k++)
        strlist_add(&argv, tail[k]);
    const char **vector = xcalloc(argv.count + 1, sizeof *vector);
    for (size_t k = 0; k < argv.count; k++)
        vector[k] = argv.items[k];
    bool ok = child_run(&(struct child){.argv = vector, .password = password, .interrupt = i}, e);
    free(vector);
    strlist_free(&argv);
    free(conninfo);
    free(password);
    return ok;
}

/* Again while somebody's lock is in the way. */
static bool dump_patiently(const struct sync *s, const char *pg_dump, const struct strlist *exclude,
                           const char *file, const struct interrupt *i, say_fn say, void *arg, struct err *e)
{
    struct backoff wait = {.base_ms = 500, .max_ms = 2000};
    for (int tries = 1;; tries++) {
        if (run_pg_dump(s, pg_dump, exclude, file, i, e))
            return true;
        if (e->kind != ERR_CONFLICT || tries == TRIES || interrupt_level(i) != INTERRUPT_NONE)
            break;
        say(arg, "a table of the source is locked by somebody: trying pg_dump again");
        clock_sleep_ms(backoff_next_ms(&wait));
    }
    snprintf(e->side, sizeof e->side, "source");
    return false;
}

/* ---- list and objects ---- */

static bool read_list(const struct tools *tools, const char *archive, const struct interrupt *i,
                      struct buf *out, struct err *e)
{
    const char *const argv[] = {tools->pg_restore, "-l", archive, NULL};
    return child_run(&(struct child){.argv = argv, .interrupt = i, .out = out}, e);
}

/* repl's own triggers are on the source already when init runs again. */
static bool leave_out_own(const struct sync *s, struct conn *source, struct toc *t, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", s->schema}, {NULL, NULL}};
    if (!ask(source, sql_ops_own_triggers, vars, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        struct toc_entry *it = toc_find(t, (uint32_t)result_int(r, i, 0), (uint32_t)result_int(r, i, 1));
        if (it != NULL)
            it->left_out = "it is repl's own";
    }
    result_free(r);
    return true;
}

static bool read_objects(struct conn *source, const struct toc *t, char **out, struct err *e)
{
    struct buf classes = {0}, oids = {0};
    struct result *r;
    toc_numbers(t, &classes, &oids);
    const struct sql_var vars[] = {{"classes", classes.data}, {"oids", oids.data}, {NULL, NULL}};
    bool ok = ask(source, sql_ops_objects, vars, &r, e);
    buf_free(&classes);
    buf_free(&oids);
    if (!ok)
        return false;
    *out = xstrdup(result_text(r, 0, 0));
    result_free(r);
    return true;
}

static bool write_list(const struct sync *s, const struct toc *t, struct arena *a, struct err *e)
{
    struct buf list = {0};
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].left_out == NULL || t->items[i].told)
            buf_printf(&list, "%s\n", t->items[i].line);
    bool ok = file_write(path_of(a, s, "schema.list"), buf_text(&list), list.len, e);
    buf_free(&list);
    return ok;
}

/* What stands beside the archive, from the archive and the source's catalog. */
static bool describe(const struct sync *s, struct conn *source, const struct tools *tools,
                     const char *archive, const struct interrupt *i, struct arena *a, struct err *e)
{
    struct buf list = {0};
    struct toc toc;
    char *objects = NULL;
    bool ok = read_list(tools, archive, i, &list, e) && toc_parse(buf_text(&list), a, &toc, e) &&
              leave_out_own(s, source, &toc, e) && read_objects(source, &toc, &objects, e) &&
              file_write(path_of(a, s, "schema.objects"), objects, strlen(objects), e) &&
              write_list(s, &toc, a, e);
    free(objects);
    buf_free(&list);
    return ok;
}

/* The archive gets its name last, so that where it is, the others are. */
static bool make(const struct sync *s, struct conn *source, const struct tools *tools,
                 const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct err *e)
{
    char *part = path_of(a, s, "schema.dump.new"), *archive = path_of(a, s, "schema.dump");
    struct strlist exclude = {0};
    bool ok = add_exclusions(s, source, say, arg, a, &exclude, e) &&
              dump_patiently(s, tools->pg_dump, &exclude, part, i, say, arg, e) &&
              describe(s, source, tools, part, i, a, e);
    strlist_free(&exclude);
    if (!ok)
        return false;
    return (chmod(part, 0600) == 0 && rename(part, archive) == 0) ||
           err_set(e, ERR_OS, "cannot write %s: %s", archive, strerror(errno));
}

bool dump_open(const struct sync *s, struct conn *source, const struct tools *tools,
               const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct dump *out,
               struct err *e)
{
    char *list = NULL;
    out->archive = path_of(a, s, "schema.dump");
    if (access(out->archive, R_OK) != 0 && !make(s, source, tools, i, say, arg, a, e))
        return err_context(e, "reading the source's schema");
    return file_read(path_of(a, s, "schema.objects"), a, &out->objects, e) &&
           file_read(path_of(a, s, "schema.list"), a, &list, e) && toc_parse(list, a, &out->toc, e);
}
