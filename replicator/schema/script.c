#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "child.h"

/* With --verbose every entry begins with its number and address. Between quotes the same could stand, but hardly the
 * number that comes next. */
static char *header_of(const struct toc_entry *it)
{
    return xasprintf("\n--\n-- TOC entry %d (class %u OID %u)\n", it->id, it->class_oid, it->oid);
}

/* Behind the header, whose other lines are comments as well. */
static char *body_of(char *header, size_t length)
{
    char *end = strstr(header + length, "\n--\n\n");
    return end != NULL ? end + strlen("\n--\n\n") : NULL;
}

/* pg_restore's last words, and the psql commands behind them. */
static void drop_tail(char *text)
{
    char *tail = NULL;
    for (char *at = text; (at = strstr(at, "\n--\n-- PostgreSQL database dump complete\n--\n")) != NULL; at++)
        tail = at;
    if (tail != NULL)
        tail[1] = '\0';
}

static void trim(char *sql)
{
    size_t n = strlen(sql);
    while (n > 0 && (sql[n - 1] == '\n' || sql[n - 1] == ' '))
        sql[--n] = '\0';
}

/* PostgreSQL 15.20, and what was mended with it, stamps every column's definition with an option of that column. A
 * pg_dump that is older than those releases, of whatever major version, takes it for the user's, and no server takes it
 * back: "ALTER COLUMN v SET (pg_attver=22159008, n_distinct=7);" */
static void drop_mark(char *line, size_t length)
{
    static const char mark[] = "pg_attver=", open[] = " SET (";
    char *end = line + length, *set = memmem(line, length, open, strlen(open));
    char *at = set != NULL ? memmem(set, (size_t)(end - set), mark, strlen(mark)) : NULL;
    if (at == NULL || strncmp(line, "ALTER ", strlen("ALTER ")) != 0)
        return;
    char *to = at + strlen(mark);
    to += strspn(to, "'0123456789");
    if (at[-1] == '(' && *to == ')') { /* nothing else is set */
        memset(line, ' ', length);
        return;
    }
    if (*to == ',')
        to += strspn(to, ", ");
    else
        while (at[-1] == ' ' || at[-1] == ',')
            at--;
    memset(at, ' ', (size_t)(to - at));
}

static void drop_marks(char *sql)
{
    for (char *line = sql; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        drop_mark(line, length);
        line += length + (line[length] == '\n');
    }
}

static void clean(const struct toc_entry *it, char *sql)
{
    static const char *const with_columns[] = {"TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW"};
    for (size_t i = 0; i < sizeof with_columns / sizeof *with_columns; i++)
        if (strcmp(it->kind, with_columns[i]) == 0)
            drop_marks(sql);
    trim(sql);
}

bool script_cut(char *text, struct toc_entry *const *entries, size_t count, struct err *e)
{
    char *at = text;
    drop_tail(text);
    for (size_t i = 0; i < count; i++) {
        char *header = header_of(entries[i]);
        char *found = strstr(at, header), *body = found != NULL ? body_of(found, strlen(header)) : NULL;
        free(header);
        if (body == NULL)
            return err_set(e, ERR_OS, "pg_restore printed no statement for %s %s", entries[i]->kind,
                           entries[i]->rest);
        *found = '\0'; /* the end of the one before */
        if (i > 0)
            clean(entries[i - 1], at);
        entries[i]->sql = at = body;
    }
    if (count > 0)
        clean(entries[count - 1], at);
    return true;
}

bool script_read(const struct tools *tools, struct dump *d, enum toc_step step, const char *list,
                 const struct interrupt *i, struct arena *a, struct err *e)
{
    struct buf lines = {0}, out = {0};
    size_t count = 0;
    size_t n = toc_write(&d->toc, step, &lines);
    struct toc_entry **entries = arena_alloc(a, (n + 1) * sizeof(struct toc_entry *));
    for (size_t k = 0; k < d->toc.count; k++)
        if (toc_left(&d->toc.items[k], step))
            entries[count++] = &d->toc.items[k];
    const char *const argv[] = {
        tools->pg_restore, "--verbose", "--no-owner", "--no-acl", "--no-tablespaces", "-L", list, "-f", "-",
        d->archive,        NULL};
    bool ok = n == 0 || (file_write(list, buf_text(&lines), lines.len, e) &&
                         child_run(&(struct child){.argv = argv, .interrupt = i, .out = &out}, e) &&
                         script_cut(arena_strdup(a, buf_text(&out)), entries, count, e));
    buf_free(&lines);
    buf_free(&out);
    return ok;
}
