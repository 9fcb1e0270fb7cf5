/* Settings: those of the target that slow a load, and those of roles and databases that repl must not inherit. */
#include <stdlib.h>
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

static const int64_t MB = 1048576, GB = 1073741824;

/* ---- what slows a load ---- */

struct setting_row {
    const char *text; /* as SHOW has it */
    int64_t number;   /* bytes or seconds where it has such a unit, else the number */
};

/* bytes: of the tables; index: of the largest one. Each says whether that value slows this load. */
typedef bool (*slow_fn)(const struct setting_row *v, int64_t bytes, int64_t index);

static bool is_set(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    (void)index;
    return v->text[0] != '\0';
}

static bool checkpoints_often(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)index;
    return bytes > v->number && v->number < 4 * GB;
}

static bool below_five_minutes(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)index;
    return bytes > GB && v->number < 300;
}

static bool sorts_on_disk(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    return index > v->number && v->number < 256 * MB;
}

static bool small_cache(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)index;
    return bytes > v->number && v->number < 256 * MB;
}

static bool no_workers(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    return index > 100 * MB && v->number == 0;
}

static bool logs_statements(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    (void)index;
    return strcmp(v->text, "all") == 0 || strcmp(v->text, "mod") == 0;
}

static bool logs_everything(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    (void)index;
    return v->number == 0;
}

static bool audits(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    (void)index;
    return v->text[0] != '\0' && strcmp(v->text, "none") != 0;
}

static bool is_logical(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)index;
    return bytes > GB && strcmp(v->text, "logical") == 0;
}

static bool is_off(const struct setting_row *v, int64_t bytes, int64_t index)
{
    (void)bytes;
    (void)index;
    return strcmp(v->text, "off") == 0;
}

static const struct slow {
    const char *name;
    slow_fn slows;
    const char *why, *hint;
} slow[] = {
    {"synchronous_standby_names", is_set, "every commit waits for a standby",
     "take the synchronous standby out until the copy is done"},
    {"max_wal_size", checkpoints_often,
     "the load checkpoints again and again, and writes whole pages after each",
     "set it to 4GB or more until the copy is done"},
    {"checkpoint_timeout", below_five_minutes, "the load checkpoints often",
     "set it to 15min or more for the load"},
    {"maintenance_work_mem", sorts_on_disk, "the largest index is sorted on disk",
     "set it to 1GB, or what the memory allows"},
    {"shared_buffers", small_cache, "little stays in memory between writing and indexing",
     "set it to a quarter of the memory (needs a restart)"},
    {"max_parallel_maintenance_workers", no_workers, "each index is built by one process",
     "set it to 2 or more"},
    {"log_statement", logs_statements, "each statement of the load is logged",
     "set it to ddl or none for the load"},
    {"log_min_duration_statement", logs_everything, "each statement of the load is logged",
     "set it to -1 or 1000"},
    {"pgaudit.log", audits, "each statement of the load may be audited", "set it to ddl, role for the load"},
    {"wal_level", is_logical, "the load writes more WAL than with replica",
     "set it to replica until the copy is done (RDS: rds.logical_replication = 0)"},
    {"full_page_writes", is_off, "a crash of the server may damage what was copied", "set it on"},
    {"fsync", is_off, "a crash of the server may lose what was confirmed", "set it on"},
    {"autovacuum", is_off, "nothing cleans up behind repl's updates", "set it on"},
};

enum { SLOW = sizeof slow / sizeof *slow };

static bool find_setting(const struct result *r, const char *name, struct setting_row *out)
{
    for (int i = 0; i < result_rows(r); i++)
        if (strcmp(result_text(r, i, 0), name) == 0) {
            *out = (struct setting_row){result_text(r, i, 1), result_int(r, i, 2)};
            return true;
        }
    return false;
}

bool step_settings(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    size_t before = l->out->count;
    struct buf names = {0};
    for (size_t i = 0; i < SLOW; i++)
        buf_printf(&names, "%s%s", i == 0 ? "{" : ",", slow[i].name);
    buf_puts(&names, "}");
    const struct sql_var vars[] = {{"names", names.data}, {NULL, NULL}};
    bool ok = pg_query_filled(look_conn(l, side), sql_check_settings, vars, &r, e);
    buf_free(&names);
    if (!ok)
        return false;
    for (const struct slow *s = slow; s < slow + SLOW; s++) {
        struct setting_row v;
        if (find_setting(r, s->name, &v) && s->slows(&v, l->sizes.tables, l->sizes.largest_index))
            look_add(l, FINDING_WARNING, "settings", side_name(side), "",
                     arena_printf(l->a, "%s is %s: %s", s->name, v.text, s->why), s->hint);
    }
    if (l->out->count == before)
        look_ok(l, "settings", side_name(side), "nothing slows a load of this size");
    result_free(r);
    return true;
}

/* ---- what would be inherited ---- */

static bool check_own_session(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(look_conn(l, side), sql_check_own_session, (const struct sql_var[]){{NULL, NULL}},
                         &r, e))
        return false;
    if (result_rows(r) == 0)
        look_ok(l, "role settings", side_name(side),
                "repl's own sessions set their timeouts and are not read only");
    for (int i = 0; i < result_rows(r); i++)
        look_add(l, FINDING_BLOCKER, "role settings", side_name(side), "",
                 arena_printf(l->a, "repl's session set %s, and the server has %s", result_text(r, i, 0),
                              result_text(r, i, 1)),
                 "something between repl and the server drops settings: give the direct URL");
    result_free(r);
    return true;
}

bool step_role_settings(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (!check_own_session(l, side, e) || !pg_query_filled(look_conn(l, side), sql_check_role_settings,
                                                           (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    for (int i = 0; i < result_rows(r); i++) {
        const char *whose = result_text(r, i, 0), *name = result_text(r, i, 1), *value = result_text(r, i, 2);
        look_ok(l, "role settings", side_name(side), "%s has %s = %s, which repl's sessions override", whose,
                name, value);
    }
    result_free(r);
    return true;
}
