/*
 * The schema comes over through pg_dump and pg_restore; repl writes no DDL but its own. The archive is made once
 * (dump.c), what goes over and when is decided on its table of contents (toc.c), and each step asks the target what
 * it has already, so that a step which was killed is simply run again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "child.h"
#include "dump.h"
#include "matviews.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/fault.h"
#include "repl/hash.h"
#include "repl/ops.h"

/* Sessions of a killed restore are ended; they are given this long to be gone. */
enum { LEFTOVERS_MS = 15000 };

struct restore {
    const struct sync *s;
    struct conn *source, *target;
    const struct interrupt *i;
    say_fn say;
    void *arg;
    struct arena *a;
    struct tools tools;
    struct dump dump;
    char session[40]; /* application_name of pg_restore's sessions, the sync's own */
    int64_t lock_slots, maintenance_kb;
};

/* ---- what is left to do ---- */

static bool mark_present(struct restore *r, struct err *e)
{
    struct result *found;
    const struct sql_var vars[] = {{"objects", r->dump.objects}, {NULL, NULL}};
    if (!ask_last(r->target, sql_ops_present, vars, &found, e))
        return err_context(e, "asking what the target has already");
    for (int k = 0; k < result_rows(found); k++)
        toc_present(&r->dump.toc, (uint32_t)result_int(found, k, 0), (uint32_t)result_int(found, k, 1),
                    result_bool(found, k, 2));
    result_free(found);
    return true;
}

/* A repl that was killed leaves a server process that still builds an index; it is ended, and waited for. */
static bool end_leftovers(struct restore *r, struct err *e)
{
    const struct sql_var vars[] = {{"name", r->session}, {NULL, NULL}};
    uint64_t deadline = clock_ms() + LEFTOVERS_MS;
    for (;;) {
        struct result *count;
        if (!ask(r->target, sql_ops_restore_sessions, vars, &count, e))
            return err_context(e, "ending the sessions of an earlier pg_restore");
        int64_t left = result_int(count, 0, 0);
        result_free(count);
        if (left == 0)
            return true;
        if (interrupt_level(r->i) != INTERRUPT_NONE)
            return err_set(e, ERR_STOPPED, "interrupted");
        if (clock_ms() > deadline)
            return err_set(e, ERR_CONFLICT, "another pg_restore of this sync is at work on the target");
        clock_sleep_ms(50);
    }
}

static bool read_limits(struct restore *r, struct err *e)
{
    char jobs[16];
    struct result *limits;
    snprintf(jobs, sizeof jobs, "%d", r->s->jobs > 0 ? r->s->jobs : 1);
    if (!ask(r->target, sql_ops_restore_limits, (const struct sql_var[]){{"jobs", jobs}, {NULL, NULL}},
             &limits, e))
        return false;
    r->lock_slots = result_int(limits, 0, 0);
    r->maintenance_kb = result_int(limits, 0, 1);
    result_free(limits);
    return true;
}

static void end(struct restore *r)
{
    conn_close(r->source);
    arena_free(r->a);
    tools_free(&r->tools);
}

static bool begin(struct restore *r, const struct sync *s, struct conn *target, const struct interrupt *i,
                  say_fn say, void *arg, struct err *e)
{
    *r = (struct restore){.s = s, .target = target, .i = i, .say = say, .arg = arg, .a = arena_new()};
    snprintf(r->session, sizeof r->session, "repl: restore %016llx",
             (unsigned long long)hash64_str(s->schema));
    bool ok = sync_connect(s, SIDE_SOURCE, "schema", &r->source, e) &&
              tools_find(conn_server_version(r->source), conn_server_version(target), &r->tools, e) &&
              dump_open(s, r->source, &r->tools, i, say, arg, r->a, &r->dump, e) && end_leftovers(r, e) &&
              read_limits(r, e) && mark_present(r, e);
    if (!ok)
        end(r);
    return ok;
}

/* ---- pg_restore ---- */

struct restore_how {
    bool one_transaction; /* all or nothing; otherwise parallel */
    bool go_on;           /* after errors of single entries */
};

static bool run_pg_restore(const struct restore *r, const char *list, struct restore_how how, struct err *e)
{
    char *resolved, *conninfo = NULL, *password = NULL;
    if (!dsn_resolve(r->s->target, &resolved, e))
        return false;
    bool ok = dsn_split_password(resolved, &conninfo, &password, e);
    free(resolved);
    if (!ok)
        return false;
    char *named = arena_printf(r->a, "%s application_name='%s'", conninfo, r->session);
    char *options = arena_printf(r->a, "-c maintenance_work_mem=%lldkB", (long long)r->maintenance_kb);
    char *jobs = arena_printf(r->a, "--jobs=%d", r->s->jobs > 0 ? r->s->jobs : 1);
    const char *argv[12] = {r->tools.pg_restore, "--no-owner", "--no-acl", "-w", "-L", list, "-d", named};
    size_t n = 8;
    argv[n++] = how.one_transaction ? "--single-transaction" : jobs;
    if (!how.go_on)
        argv[n++] = "--exit-on-error";
    argv[n] = r->dump.archive;
    ok = child_run(&(struct child){.argv = argv, .password = password, .options = options, .interrupt = r->i},
                   e);
    free(conninfo);
    free(password);
    if (!ok)
        snprintf(e->side, sizeof e->side, "target");
    return ok;
}

/* Makes the entries of one step that the target lacks. */
static bool restore_step(const struct restore *r, enum toc_step step, struct restore_how how, struct err *e)
{
    static const char *const names[] = {"types, functions and tables", "indexes and keys",
                                        "foreign keys, triggers and rules", "comments"};
    struct buf lines = {0};
    char *list = arena_printf(r->a, "%s/schema.use", r->s->dir);
    size_t n = toc_write(&r->dump.toc, step, &lines);
    bool ok = true;
    if (n > 0) {
        r->say(r->arg, arena_printf(r->a, "making %zu %s on the target", n, names[step]));
        ok = file_write(list, buf_text(&lines), lines.len, e) && run_pg_restore(r, list, how, e);
    }
    buf_free(&lines);
    return ok;
}

static void tell_left_out(const struct restore *r)
{
    for (size_t i = 0; i < r->dump.toc.count; i++) {
        const struct toc_entry *it = &r->dump.toc.items[i];
        if (it->told)
            r->say(r->arg, arena_printf(r->a, "left out: %s %s: %s", it->kind, it->rest, it->left_out));
    }
}

/* ---- the steps ---- */

/* All or nothing, unless the target's lock table could not hold the locks: a table takes up to one for itself, its
 * TOAST table and that one's index, its sequence, and its type. */
static bool fits_one_transaction(const struct restore *r)
{
    int64_t relations = 0;
    for (size_t i = 0; i < r->dump.toc.count; i++)
        relations += r->dump.toc.items[i].step == TOC_PRE_DATA && !r->dump.toc.items[i].present;
    return relations * 5 < r->lock_slots / 2;
}

static void hint_pre_data(struct err *e)
{
    if (strstr(e->text, "permission denied for schema") != NULL)
        err_hint(e, "the role of --target needs GRANT CREATE ON SCHEMA ..., or make it the database's owner");
    else if (e->kind == ERR_SQL)
        err_hint(e, "drop on the target what stands in the way, or make the whole schema yourself and give "
                    "--no-schema");
}

bool schema_pre_data(const struct sync *s, struct conn *target, const struct interrupt *i, say_fn say,
                     void *arg, struct err *e)
{
    struct restore r;
    if (s->no_schema)
        return true;
    if (!begin(&r, s, target, i, say, arg, e))
        return false;
    tell_left_out(&r);
    fault_point("schema.pre_data");
    const struct restore_how how = {.one_transaction = fits_one_transaction(&r)};
    bool ok = restore_step(&r, TOC_PRE_DATA, how, e);
    if (!ok)
        hint_pre_data(e);
    end(&r);
    return ok;
}

bool schema_indexes(const struct sync *s, struct conn *target, const struct interrupt *i, say_fn say,
                    void *arg, struct err *e)
{
    struct restore r;
    if (s->no_schema)
        return true;
    if (!begin(&r, s, target, i, say, arg, e))
        return false;
    fault_point("schema.indexes");
    bool ok = restore_step(&r, TOC_INDEXES, (struct restore_how){0}, e);
    end(&r);
    return ok;
}

/* Without the rows of one end a foreign key cannot hold. */
static bool leave_out_keys(struct restore *r, struct err *e)
{
    struct result *k;
    if (!ask(r->source, sql_ops_foreign_keys, (const struct sql_var[]){{NULL, NULL}}, &k, e))
        return false;
    for (int row = 0; row < result_rows(k); row++) {
        struct toc_entry *it =
            toc_find(&r->dump.toc, (uint32_t)result_int(k, row, 0), (uint32_t)result_int(k, row, 1));
        const struct selection *sel = &r->s->selection;
        bool from = selection_includes(sel, result_text(k, row, 5), result_text(k, row, 6));
        bool to = selection_includes(sel, result_text(k, row, 7), result_text(k, row, 8));
        if (it == NULL || (from && to && !result_bool(k, row, 9)))
            continue;
        it->left_out = "an end of it is not replicated";
        toc_leave_out_comment(&r->dump.toc, result_text(k, row, 3), result_text(k, row, 2),
                              result_text(k, row, 4));
        if (from || to)
            r->say(r->arg,
                   arena_printf(r->a, "left out: foreign key %s of %s.%s, since %s.%s is not replicated",
                                result_text(k, row, 2), result_text(k, row, 3), result_text(k, row, 4),
                                result_text(k, row, from ? 7 : 5), result_text(k, row, from ? 8 : 6)));
    }
    result_free(k);
    return true;
}

/* No comment is worth a migration that stops. */
static bool restore_comments(struct restore *r, struct err *e)
{
    if (restore_step(r, TOC_COMMENTS, (struct restore_how){.go_on = true}, e))
        return true;
    if (e->kind == ERR_CONN || e->kind == ERR_STOPPED)
        return false;
    r->say(r->arg, arena_printf(r->a, "some comments are not on the target: %s", e->text));
    err_clear(e);
    return true;
}

bool schema_constraints(const struct sync *s, struct conn *target, const struct interrupt *i, say_fn say,
                        void *arg, struct err *e)
{
    struct restore r = {0};
    struct conn *source = NULL;
    bool ok = true;
    if (!s->no_schema) {
        if (!begin(&r, s, target, i, say, arg, e))
            return false;
        fault_point("schema.constraints");
        ok = leave_out_keys(&r, e) && restore_step(&r, TOC_CONSTRAINTS, (struct restore_how){0}, e) &&
             restore_comments(&r, e);
        end(&r);
    }
    ok = ok && sync_connect(s, SIDE_SOURCE, "schema", &source, e) &&
         matviews_refresh(source, target, s->schema, i, say, arg, e);
    conn_close(source);
    return ok;
}

bool schema_analyze(struct conn *target, const struct relations *l, struct err *e)
{
    for (size_t i = 0; i < l->count; i++) {
        char *sql = xasprintf("ANALYZE %s", l->items[i].sql);
        bool ok = pg_exec(target, sql, e);
        free(sql);
        if (!ok)
            return err_table(e, l->items[i].schema, l->items[i].name);
    }
    return true;
}
