/*
 * Installing capture. The objects of a table are made first, where nobody can wait for them; then its triggers, in
 * one short transaction under a lock timeout well below a second. A table that is busy goes to the end of the line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install.h"
#include "names.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/version.h"

/* ---- the schema ---- */

bool capture_find(struct conn *db, struct capture *c, struct err *e)
{
    c->sync_id[0] = '\0';
    if (!catalog_installation(db, c->schema, &c->installed, e))
        return false;
    if (c->installed.kind != INSTALLED_CAPTURE)
        return true;
    if (!installation_usable(&c->installed, db, c->schema, e))
        return false;
    memcpy(c->sync_id, c->installed.sync_id, sizeof c->sync_id);
    memcpy(c->role, c->installed.role, sizeof c->role);
    c->other_role = c->installed.other_role;
    return true;
}

/* One message: one transaction. */
static char *schema_sql(const struct sql_var *vars, const char *schema)
{
    const char *const parts[] = {sql_capture_schema,       sql_capture_schema_keys,
                                 sql_capture_schema_owed,  sql_capture_schema_slot,
                                 sql_capture_schema_bells, sql_capture_schema_rotation,
                                 sql_capture_schema_fence};
    struct buf sql = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *part = sql_fill(parts[i], vars);
        buf_puts(&sql, part);
        free(part);
    }
    char *keep_out = catalog_keep_out_sql(schema);
    buf_puts(&sql, keep_out);
    free(keep_out);
    return sql.data;
}

static bool refuse_name(struct conn *db, const struct capture *c, struct err *e)
{
    if (c->installed.kind == INSTALLED_TARGET)
        err_set(
            e, ERR_CONFIG,
            "schema %s on the %s is that of a target: this database is, or was, one that rows are moved to",
            c->schema, side_name(conn_side(db)));
    else
        err_set(e, ERR_CONFIG, "the %s has a schema %s that is not repl's", side_name(conn_side(db)),
                c->schema);
    return err_hint(e, "choose another name: --schema NAME");
}

bool capture_install_schema(struct conn *db, struct capture *c, struct err *e)
{
    char version[16], wanted[SYNC_ID_LEN + 1];
    char *id = NULL;
    memcpy(wanted, c->sync_id, sizeof wanted);
    if (!capture_find(db, c, e))
        return false;
    if (c->installed.kind == INSTALLED_CAPTURE)
        return true;
    if (c->installed.kind != INSTALLED_NOTHING)
        return refuse_name(db, c, e);
    if (wanted[0] != '\0')
        id = xstrdup(wanted);
    else if (!pg_value(db, "SELECT pg_catalog.gen_random_uuid()", 0, NULL, &id, e))
        return false;
    snprintf(version, sizeof version, "%d", REPL_SCHEMA_VERSION);
    const struct sql_var vars[] = {
        {"schema", c->schema}, {"sync_id", id}, {"version", version}, {NULL, NULL}};
    char *sql = schema_sql(vars, c->schema);
    bool ok = pg_exec(db, sql, e);
    free(sql);
    free(id);
    return ok && capture_find(db, c, e);
}

/* ---- which target it is for, and whether an init has ended ---- */

static bool set_target(struct conn *db, struct capture *c, const char *text, const char *target_id,
                       const char *name, const char *system, struct err *e)
{
    const struct sql_var vars[] = {
        {"schema", c->schema}, {"target_id", target_id}, {"name", name}, {"system", system}, {NULL, NULL}};
    bool ok = pg_exec_filled(db, text, vars, e);
    if (!ok)
        pg_reset(db);
    return ok && capture_find(db, c, e);
}

bool capture_set_target(struct conn *db, struct capture *c, const char *target_id, const char *name,
                        const char *system, struct err *e)
{
    return set_target(db, c, sql_capture_set_target, target_id, name, system, e);
}

bool capture_name_target(struct conn *db, struct capture *c, const char *name, const char *system,
                         struct err *e)
{
    return set_target(db, c, sql_capture_name_target, c->installed.target_id, name, system, e);
}

bool capture_set_ready(struct conn *db, struct capture *c, struct err *e)
{
    if (c->installed.ready)
        return true;
    return pg_exec_filled(db, sql_capture_set_ready,
                          (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}}, e) &&
           capture_find(db, c, e);
}

/* The row of the captured tables, which come ordered by oid, or -1. */
static int row_of(const struct result *r, uint32_t oid)
{
    int low = 0, high = result_rows(r) - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        uint32_t at = (uint32_t)result_int(r, middle, 0);
        if (at == oid)
            return middle;
        if (at < oid)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

/* The deltas hold the values of the key that the table had when its capture was installed. */
static void compare_keys(struct relation *t, const struct result *r, int row, struct arena *a)
{
    const char *installed = result_text(r, row, 3), *named_now = result_text(r, row, 4);
    bool renamed = strcmp(installed, named_now) != 0, broken = result_bool(r, row, 5);
    t->capture_broken = broken;
    if (installed[0] == '\0') { /* captured as dirty: so it stays until its capture is renewed */
        t->nkey_now = t->nkey;
        t->nkey = 0;
        t->key_kind = KEY_NONE;
        return;
    }
    if (broken || strcmp(capture_key_text(a, t), named_now) != 0)
        t->key_was = arena_strdup(a, installed);
    t->capture_broken = broken || (renamed && t->key_was != NULL);
    t->key_renamed = renamed && !t->capture_broken;
}

bool capture_assign_ids(struct conn *db, const struct capture *c, struct relations *l, struct arena *a,
                        struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", c->schema}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_capture_captured, vars, &r, e);
    if (!ok)
        return false;
    for (size_t i = 0; i < l->count; i++) {
        struct relation *t = &l->items[i];
        int row = row_of(r, t->oid);
        t->id = row >= 0 ? (int)result_int(r, row, 1) : 0;
        t->shape = row >= 0 ? arena_strdup(a, result_text(r, row, 2)) : NULL;
        if (row >= 0)
            compare_keys(t, r, row, a);
    }
    result_free(r);
    return true;
}

bool capture_number(struct conn *db, const struct capture *c, struct relations *l, struct arena *a,
                    struct err *e)
{
    struct relations copy = {arena_alloc(a, (l->count + 1) * sizeof *copy.items), l->count};
    for (size_t i = 0; i < l->count; i++)
        copy.items[i] = l->items[i];
    if (c->sync_id[0] != '\0' && !capture_assign_ids(db, c, &copy, a, e))
        return false;
    for (size_t i = 0; i < l->count; i++)
        l->items[i].id = copy.items[i].id;
    return true;
}

/* ---- waiting for busy tables ---- */

static bool give_up(const struct capture_install_options *o, uint64_t began, const struct relation *r,
                    const char *blocker, struct err *e)
{
    if (o->give_up_ms == 0 || clock_ms() - began < o->give_up_ms)
        return false;
    err_set(e, ERR_CONFLICT, "the table is locked by others all the time%s%s", blocker[0] != '\0' ? ": " : "",
            blocker);
    err_relation(e, r);
    err_hint(e, "wait until that session is through, or end it; then run the command again: it continues "
                "with the tables that are left");
    return true;
}

/* ---- the loop over tables ---- */

struct line {
    struct conn *db;
    const struct capture *capture;
    const struct capture_install_options *options;
    int *ids; /* by table */
    struct backoff backoff;
    uint64_t began;
};

/* One pass over those that are left. *left counts the tables that were busy. */
static bool one_pass(struct line *line, struct relations *l, size_t *left, struct relation **busy,
                     struct err *e)
{
    *left = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct relation *r = &l->items[i];
        if (r->id != 0)
            continue;
        if (install_table(line->db, line->capture, r, line->ids[i], line->options, e)) {
            if (line->options->installed != NULL)
                line->options->installed(line->options->arg, r);
            continue;
        }
        if (!err_is_lock(e))
            return err_relation(e, r);
        *busy = r;
        (*left)++;
    }
    return true;
}

/* Until none is left. */
static bool stand_in_line(struct line *line, struct relations *l, struct err *e)
{
    const struct capture_install_options *o = line->options;
    size_t left;
    struct relation *busy = NULL;
    for (;;) {
        char blocker[256];
        if (!one_pass(line, l, &left, &busy, e))
            return false;
        if (left == 0)
            return true;
        catalog_find_blocker(line->db, busy->label, blocker, sizeof blocker);
        if (give_up(o, line->began, busy, blocker, e))
            return false;
        unsigned wait = backoff_next_ms(&line->backoff);
        if (o->waiting != NULL)
            o->waiting(o->arg, busy, blocker, wait);
        if (!conn_rest(line->db, wait, e))
            return false;
    }
}

bool capture_install_tables(struct conn *db, const struct capture *c, struct relations *l,
                            const struct capture_install_options *o, struct err *e)
{
    struct line line = {
        db, c, o, xcalloc(l->count + 1, sizeof *line.ids), {.base_ms = 100, .max_ms = 3000}, clock_ms()};
    bool ok = give_ids(db, c, l, line.ids, e) && stand_in_line(&line, l, e);
    free(line.ids);
    return ok;
}
