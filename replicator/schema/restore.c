#include "restore.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/schema.h"
#include "script.h"

static bool mark_present(struct restore *r, struct err *e)
{
    struct result *found;
    const struct sql_var vars[] = {{"objects", r->dump.objects}, {NULL, NULL}};
    if (!pg_query_last_filled(r->target, sql_schema_present, vars, &found, e))
        return err_context(e, "asking what the target has already");
    for (int k = 0; k < result_rows(found); k++)
        toc_present(&r->dump.toc, (uint32_t)result_int(found, k, 0), (uint32_t)result_int(found, k, 1),
                    result_bool(found, k, 2));
    result_free(found);
    return true;
}

static bool read_limits(struct restore *r, struct err *e)
{
    struct result *limits;
    if (!pg_query_filled(r->target, sql_schema_restore_limits, (const struct sql_var[]){{NULL, NULL}},
                         &limits, e))
        return false;
    r->lock_slots = result_int(limits, 0, 0);
    r->memory_kb = result_int(limits, 0, 1);
    r->own_kb = result_int(limits, 0, 2);
    r->workers = (int)result_int(limits, 0, 3);
    r->workers_each = (int)result_int(limits, 0, 4);
    result_free(limits);
    return true;
}

bool schema_search_path(struct conn *c, char **out, struct err *e)
{
    return pg_value(c, sql_schema_search_path, 0, NULL, out, e);
}

static bool read_search_path(struct restore *r, struct err *e)
{
    char *path = NULL;
    if (!catalog_search_path(r->source, &path, e))
        return false;
    r->search_path = arena_strdup(r->a, path);
    free(path);
    return true;
}

static bool open_archive(struct restore *r, struct err *e)
{
    return tools_find(conn_server_version(r->source), conn_server_version(r->target), &r->tools, e) &&
           dump_open(r->s, r->source, &r->tools, r->ahead, r->i, r->say, r->arg, r->a, &r->dump, e) &&
           mark_present(r, e);
}

bool restore_begin(struct restore *r, const struct units_wanted *w, bool archive, struct arena *a,
                   struct err *e)
{
    *r = (struct restore){.s = w->s,
                          .source = w->source,
                          .target = w->target,
                          .own_source = w->source == NULL,
                          .ahead = w->ahead,
                          .i = w->i,
                          .say = w->say,
                          .arg = w->arg,
                          .a = a};
    bool ok = (!r->own_source || sync_connect(w->s, SIDE_SOURCE, "schema", &r->source, e)) &&
              read_limits(r, e) && read_search_path(r, e) && (!archive || open_archive(r, e));
    if (!ok)
        restore_end(r);
    return ok;
}

void restore_end(struct restore *r)
{
    if (r->own_source)
        conn_close(r->source);
    r->source = NULL;
    tools_free(&r->tools);
}

bool restore_script(struct restore *r, enum toc_step step, struct err *e)
{
    char *list = arena_printf(r->a, "%s/schema.use", r->s->dir);
    return script_read(&r->tools, &r->dump, step, list, r->s->keep_always, r->i, r->a, e);
}

void restore_limits_of(const struct restore *r, struct units *u)
{
    u->search_path = r->search_path;
    u->memory_kb = r->memory_kb;
    u->own_kb = r->own_kb;
    u->workers = r->workers;
    u->workers_each = r->workers_each;
}

/* The owner at the end of the line stays behind, and is no part of the name. */
const char *restore_name(const struct toc_entry *it, struct arena *a)
{
    char *text = arena_printf(a, "%s %s", it->kind, it->rest);
    char *owner = strrchr(text, ' ');
    for (size_t i = 0; it->kind[i] != '\0'; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    if (owner != NULL && owner > text + strlen(it->kind))
        *owner = '\0';
    return text;
}
