#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/str.h"

/* A sort makes use of no more (and before PostgreSQL 18 cannot be given more); fewer parallel workers than so many
 * are worth having, more are not. */
enum { MOST_WORKERS = 8 };
static const int64_t most_kb = 2097151;

/* ---- statements ---- */

/* A row before each statement: the last one that came back says which statement it was. */
#define MARK "repl:"

static char *text_of(const struct statements *s)
{
    struct buf b = {0};
    if (!s->inside)
        buf_puts(&b, "BEGIN;");
    buf_puts(&b, "SELECT pg_catalog.set_config('search_path', ");
    sql_literal(&b, s->search_path != NULL ? s->search_path : "");
    buf_printf(&b, ", true); SET LOCAL check_function_bodies = off; %s",
               s->settings != NULL ? s->settings : "");
    for (size_t i = 0; i < s->count; i++)
        buf_printf(&b, "\nSELECT '" MARK "%zu';\n%s\n;", i, s->sql[i]);
    if (s->after != NULL)
        buf_printf(&b, "\n%s", s->after);
    if (!s->inside)
        buf_puts(&b, "\nCOMMIT;");
    return b.data;
}

/* The first line of a statement holds no values of anybody's. */
static void name_statement(const struct statements *s, size_t at, struct err *e)
{
    char text[sizeof e->text];
    const char *sql = s->sql[at];
    if (e->kind != ERR_SQL)
        return;
    enum { MOST = 600 }; /* room for the statement */
    snprintf(text, MOST, "%.*s", MOST - 1, e->text);
    str_cut(text, MOST);
    err_text(e, "%s (at %.*s)", text, (int)strcspn(sql, "\n"), sql);
}

static bool run_text(struct conn *c, const char *text, size_t *at, bool *marked, struct err *e)
{
    enum pg_event event = PG_RESULT;
    if (!pg_send(c, text, e))
        return false;
    while (event != PG_END) {
        struct result *r = NULL;
        if (!pg_next(c, &event, &r, e))
            return false;
        if (event == PG_RESULT && result_rows(r) == 1 &&
            strncmp(result_text(r, 0, 0), MARK, strlen(MARK)) == 0) {
            *at = strtoul(result_text(r, 0, 0) + strlen(MARK), NULL, 10);
            *marked = true;
        }
        result_free(r);
    }
    return true;
}

bool statements_run(struct conn *c, const struct statements *s, struct err *e)
{
    size_t at = 0;
    bool marked = false;
    char *text = text_of(s);
    bool ok = run_text(c, text, &at, &marked, e);
    free(text);
    if (ok)
        return true;
    /* What the server's grammar does not know fails before anything has run: then only a lone statement is known. */
    if (marked || s->count == 1)
        name_statement(s, at, e);
    if (!s->inside)
        pg_reset(c);
    return false;
}

/* ---- plans ---- */

struct unit *unit_add(struct units *u, struct arena *a, enum unit_kind kind, int stage, const char *what,
                      const char *sql)
{
    if ((u->count & (u->count - 1)) == 0) { /* full at each power of two */
        struct unit *more = arena_alloc(a, (u->count == 0 ? 1 : u->count * 2) * sizeof *more);
        if (u->count > 0)
            memcpy(more, u->items, u->count * sizeof *more);
        u->items = more;
    }
    struct unit *unit = &u->items[u->count++];
    *unit = (struct unit){.kind = kind, .stage = stage, .what = what, .table = ""};
    unit_also(unit, a, sql);
    return unit;
}

void unit_also(struct unit *unit, struct arena *a, const char *sql)
{
    if ((unit->nsql & (unit->nsql - 1)) == 0) {
        const char **more = arena_alloc(a, (unit->nsql == 0 ? 1 : unit->nsql * 2) * sizeof *more);
        if (unit->nsql > 0)
            memcpy(more, unit->sql, unit->nsql * sizeof *more);
        unit->sql = more;
    }
    unit->sql[unit->nsql++] = sql;
}

static bool before(const struct unit *x, const struct unit *y)
{
    if (x->stage != y->stage)
        return x->stage < y->stage;
    return !x->serial && !y->serial && x->bytes > y->bytes;
}

/* Stable, since the order of a dump is one in which things can be made; merges runs. */
static void merge_sort(struct unit *items, struct unit *spare, size_t n)
{
    if (n < 2)
        return;
    size_t half = n / 2, i = 0, k = half;
    merge_sort(items, spare, half);
    merge_sort(items + half, spare, n - half);
    memcpy(spare, items, n * sizeof *items);
    for (size_t to = 0; to < n; to++)
        items[to] = k == n || (i < half && !before(&spare[k], &spare[i])) ? spare[i++] : spare[k++];
}

void units_sort(struct units *u)
{
    struct unit *spare = xcalloc(u->count + 1, sizeof *spare);
    merge_sort(u->items, spare, u->count);
    free(spare);
}

bool heap_sizes_read(struct conn *c, const char *own_schema, struct heap_sizes *out, struct err *e)
{
    const struct sql_var vars[] = {{"own_schema", own_schema}, {NULL, NULL}};
    return pg_query_filled(c, sql_schema_table_sizes, vars, &out->rows, e);
}

int64_t heap_size(const struct heap_sizes *s, const char *schema, const char *table)
{
    int from = 0, to = result_rows(s->rows);
    while (from < to) {
        int at = from + (to - from) / 2;
        int order = strcmp(schema, result_text(s->rows, at, 0));
        order = order != 0 ? order : strcmp(table, result_text(s->rows, at, 1));
        if (order == 0)
            return result_int(s->rows, at, 2);
        if (order < 0)
            to = at;
        else
            from = at + 1;
    }
    return 0;
}

void heap_sizes_free(struct heap_sizes *s)
{
    result_free(s->rows);
    s->rows = NULL;
}

struct unit_share units_share(const struct units *u, size_t at_a_time)
{
    int64_t n = at_a_time > 0 ? (int64_t)at_a_time : 1;
    struct unit_share s = {.sort_kb = u->memory_kb / n, .workers = u->workers / (int)n};
    s.sort_kb = s.sort_kb > most_kb ? most_kb : s.sort_kb;
    s.sort_kb = s.sort_kb < u->own_kb ? u->own_kb : s.sort_kb;
    s.workers = s.workers > MOST_WORKERS ? MOST_WORKERS : s.workers;
    /* Zero is somebody's wish. */
    s.workers = s.workers < u->workers_each || u->workers_each == 0 ? u->workers_each : s.workers;
    return s;
}

/* ---- running ---- */

static void pass_begin(enum unit_kind kind)
{
    switch (kind) {
    case UNIT_INDEX:
        fault_point("unit.index");
        break;
    case UNIT_KEY:
        fault_point("unit.key");
        break;
    case UNIT_OBJECT:
        fault_point("unit.object");
        break;
    case UNIT_FOREIGN_KEY:
        fault_point("unit.foreign_key");
        break;
    case UNIT_VALIDATE:
        fault_point("unit.validate");
        break;
    case UNIT_COMMENT:
        fault_point("unit.comment");
        break;
    case UNIT_REFRESH:
        fault_point("unit.refresh");
        break;
    case UNIT_ANALYZE:
        fault_point("unit.analyze");
        break;
    }
}

static bool run_some(const struct unit *u, size_t first, size_t n, const struct units *all,
                     const char *settings, struct conn *target, struct err *e)
{
    const struct statements s = {
        .sql = u->sql + first, .count = n, .settings = settings, .search_path = all->search_path};
    return statements_run(target, &s, e) || search_path_hint(all->search_path, e);
}

/* A foreign key that the rows do not keep, a view that cannot be filled, statistics, a comment: said, and gone on. */
static bool is_told(const struct unit *u, const struct conn *target, const struct err *e)
{
    if (e->kind != ERR_SQL || !conn_usable(target) || err_is_transient(e) || err_is(e, "57"))
        return false;
    return u->kind == UNIT_COMMENT || u->kind == UNIT_REFRESH || u->kind == UNIT_ANALYZE ||
           (u->kind == UNIT_VALIDATE && err_is(e, "23503"));
}

static char *telling(const struct unit *u, const struct err *e)
{
    if (u->kind == UNIT_VALIDATE)
        return xasprintf("%s does not hold and stays NOT VALID: %s; mend the rows on the source, then on the "
                         "target: %s",
                         u->what, e->text, u->sql[0]);
    if (u->kind == UNIT_REFRESH)
        return xasprintf("%s was not refreshed: %s", u->what, e->text);
    if (u->kind == UNIT_ANALYZE)
        return xasprintf("%s could not be gathered: %s; on the target, when that is mended: %s", u->what,
                         e->text, u->sql[0]);
    return xasprintf("%s is not on the target: %s", u->what, e->text);
}

static char *settings_of(struct unit_share share)
{
    /* Whoever builds waits for a lock: it comes first, so nothing is lost by it, and nobody else waits for this unit. */
    return xasprintf("SET LOCAL lock_timeout = 0; SET LOCAL maintenance_work_mem = %lld; SET LOCAL "
                     "max_parallel_maintenance_workers = %d; "
                     "SET LOCAL max_parallel_workers_per_gather TO DEFAULT;",
                     (long long)share.sort_kb, share.workers);
}

bool unit_run(const struct unit *u, const struct units *all, struct unit_share share, struct conn *target,
              say_fn say, void *arg, struct err *e)
{
    char *settings = settings_of(share);
    pass_begin(u->kind);
    bool ok = run_some(u, 0, u->nsql, all, settings, target, e);
    bool one_by_one = !ok && u->nsql > 1 && is_told(u, target, e);
    for (size_t i = 0; one_by_one && i < u->nsql; i++) {
        struct unit one = *u;
        one.sql = u->sql + i;
        one.nsql = 1;
        ok = unit_run(&one, all, share, target, say, arg, e);
        one_by_one = ok;
    }
    free(settings);
    if (!ok && is_told(u, target, e)) {
        char *text = telling(u, e);
        say(arg, text);
        free(text);
        err_clear(e);
        ok = true;
    }
    fault_point("unit.done");
    return ok || err_context(e, "%s", u->what);
}

bool units_progress(struct conn *target, struct arena *a, struct unit_progress **out, size_t *count,
                    struct err *e)
{
    struct result *r;
    if (!pg_query_filled(target, sql_schema_unit_progress, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    *count = (size_t)result_rows(r);
    *out = arena_alloc(a, (*count + 1) * sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (struct unit_progress){
            .pid = (int)result_int(r, (int)i, 0),
            .phase = arena_strdup(a, result_text(r, (int)i, 1)),
            .fraction = result_null(r, (int)i, 2) ? -1 : strtod(result_text(r, (int)i, 2), NULL)};
    result_free(r);
    return true;
}

bool copy_waits(struct conn *target, int *sessions, int *waiting, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(target, sql_schema_copy_waits, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    *sessions = (int)result_int(r, 0, 0);
    *waiting = (int)result_int(r, 0, 1);
    result_free(r);
    return true;
}
