#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "pg_dump.h"
#include "repl/embedded.h"

#define UNFINISHED "schema.dump.new"
static const char *const files[] = {"schema.dump",      UNFINISHED,       "schema.list",
                                    "schema.list.part", "schema.objects", "schema.objects.part",
                                    "schema.use",       "schema.use.part"};

static char *path_of(struct arena *a, const struct sync *s, const char *name)
{
    return arena_printf(a, "%s/%s", s->dir, name);
}

static void remove_file(const char *dir, const char *name)
{
    char *path = xasprintf("%s/%s", dir, name);
    unlink(path);
    free(path);
}

void dump_remove(const char *dir)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(dir, files[i]);
}

void schema_forget(const struct sync *s)
{
    dump_remove(s->dir);
}

void dump_remove_unfinished(const char *dir)
{
    remove_file(dir, UNFINISHED);
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
    *out = buf_take(a, &b);
    return ok || err_set(e, ERR_OS, "cannot read %s", path);
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
    if (!pg_query_filled(source, sql_schema_own_triggers, vars, &r, e))
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
    bool ok = pg_query_filled(source, sql_schema_objects, vars, &r, e);
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
static bool make(const struct sync *s, struct conn *source, const struct tools *tools, struct pg_dump *ahead,
                 const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct err *e)
{
    char *part = path_of(a, s, UNFINISHED), *archive = path_of(a, s, "schema.dump");
    struct pg_dump *made = NULL;
    bool ok = (ahead != NULL || pg_dump_begin(s, source, tools->pg_dump, part, i, &made, e)) &&
              pg_dump_end(ahead != NULL ? ahead : made, source, say, arg, e) &&
              describe(s, source, tools, part, i, a, e);
    pg_dump_free(made);
    if (!ok)
        return false;
    return (chmod(part, 0600) == 0 && rename(part, archive) == 0) ||
           err_set(e, ERR_OS, "cannot write %s: %s", archive, strerror(errno));
}

struct pg_dump *dump_ahead(const struct sync *s, struct conn *source, int target_version)
{
    struct err ignored; /* it is met again when the schema is needed */
    struct tools tools;
    struct pg_dump *d = NULL;
    if (s->no_schema || !tools_find(conn_server_version(source), target_version, &tools, &ignored))
        return NULL;
    dump_remove(s->dir);
    char *part = xasprintf("%s/" UNFINISHED, s->dir);
    if (!pg_dump_begin(s, source, tools.pg_dump, part, NULL, &d, &ignored))
        pg_reset(source);
    free(part);
    tools_free(&tools);
    return d;
}

bool dump_open(const struct sync *s, struct conn *source, const struct tools *tools, struct pg_dump *ahead,
               const struct interrupt *i, say_fn say, void *arg, struct arena *a, struct dump *out,
               struct err *e)
{
    char *list = NULL;
    out->archive = path_of(a, s, "schema.dump");
    if (access(out->archive, R_OK) != 0 && !make(s, source, tools, ahead, i, say, arg, a, e))
        return err_context(e, "reading the source's schema");
    return file_read(path_of(a, s, "schema.objects"), a, &out->objects, e) &&
           file_read(path_of(a, s, "schema.list"), a, &list, e) && toc_parse(list, a, &out->toc, e);
}
