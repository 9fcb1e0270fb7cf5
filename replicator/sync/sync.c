/* One sync between the state file's settings and struct sync. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/mem.h"
#include "repl/sync.h"

/* What a command itself locks is ACCESS SHARE for a moment, where nobody waits behind it; what installs or removes sets a
 * shorter one. */
enum { SOURCE_LOCK_MS = 30000, TARGET_LOCK_MS = 30000, DEFAULT_JOBS = 4 };

/* What the way back adds to the schema's name. */
#define BACK_SUFFIX "_back"

static bool save_list(struct state *st, const char *key, const struct strlist *l, struct err *e)
{
    char *csv = l->count != 0 ? strlist_csv(l) : NULL;
    bool ok = state_set(st, key, csv, e);
    free(csv);
    return ok;
}

bool sync_save_pace(const struct sync *s, struct state *st, struct err *e)
{
    char jobs[16], rate[32];
    snprintf(jobs, sizeof jobs, "%d", s->jobs);
    snprintf(rate, sizeof rate, "%lld", (long long)s->max_rate);
    return state_set(st, "jobs", jobs, e) && state_set(st, "max_rate", s->max_rate != 0 ? rate : NULL, e);
}

bool sync_save(const struct sync *s, struct state *st, struct err *e)
{
    return state_set(st, "source", s->source, e) && state_set(st, "target", s->target, e) &&
           state_set(st, "schema", s->schema, e) && save_list(st, "tables", &s->selection.tables, e) &&
           state_set(st, "copy_from", s->copy_from, e) &&
           save_list(st, "exclude", &s->selection.exclude, e) && sync_save_pace(s, st, e) &&
           state_set(st, "no_schema", s->no_schema ? "true" : "false", e) &&
           state_set(st, "auto_add", s->auto_add ? "true" : NULL, e) &&
           state_set(st, "always_triggers", s->keep_always ? "keep" : NULL, e) &&
           state_set(st, "allow_plaintext", s->allow_plain ? "true" : NULL, e);
}

bool sync_selects(struct sync *s, const char *label, struct state *st, struct err *e)
{
    if (s->selection.tables.count == 0)
        return true;
    strlist_add(&s->selection.tables, label);
    return sync_save(s, st, e);
}

static bool load_text(struct state *st, const char *key, const char *fallback, char **out, struct err *e)
{
    if (!state_get(st, key, out, e))
        return false;
    if (*out == NULL && fallback != NULL)
        *out = xstrdup(fallback);
    return true;
}

static bool load_list(struct state *st, const char *key, struct strlist *out, struct err *e)
{
    char *csv;
    if (!state_get(st, key, &csv, e))
        return false;
    if (csv != NULL)
        strlist_add_csv(out, csv);
    free(csv);
    return true;
}

static bool load_rest(struct state *st, struct sync *out, struct err *e)
{
    char *jobs = NULL, *no_schema = NULL, *auto_add = NULL, *rate = NULL, *plain = NULL, *always = NULL;
    long long n;
    bool ok = load_text(st, "jobs", NULL, &jobs, e) && load_text(st, "max_rate", "0", &rate, e) &&
              load_text(st, "no_schema", "false", &no_schema, e) &&
              load_text(st, "auto_add", "false", &auto_add, e) &&
              load_text(st, "always_triggers", "ordinary", &always, e) &&
              load_text(st, "allow_plaintext", "false", &plain, e);
    if (ok) {
        out->jobs = jobs != NULL && str_parse_int(jobs, 1, 64, &n) ? (int)n : DEFAULT_JOBS;
        out->max_rate = str_parse_int(rate, 0, INT64_MAX, &n) ? n : 0;
        out->no_schema = no_schema[0] == 't';
        out->auto_add = auto_add[0] == 't';
        out->keep_always = strcmp(always, "keep") == 0;
        out->allow_plain = plain[0] == 't';
        dsn_allow_plain(out->allow_plain);
    }
    free(jobs);
    free(no_schema);
    free(auto_add);
    free(plain);
    free(always);
    free(rate);
    return ok;
}

bool sync_known(struct state *st, bool *known, struct err *e)
{
    char *source = NULL;
    *known = false;
    if (!state_get(st, "source", &source, e))
        return false;
    *known = source != NULL;
    free(source);
    return true;
}

bool sync_load(struct state *st, struct sync *out, struct err *e)
{
    *out = (struct sync){.dir = xstrdup(state_dir(st))};
    side_names_turn(false);
    char *schema = NULL;
    bool ok = load_text(st, "source", NULL, &out->source, e) &&
              load_text(st, "target", NULL, &out->target, e) && load_text(st, "schema", "repl", &schema, e) &&
              load_text(st, "copy_from", NULL, &out->copy_from, e) &&
              load_list(st, "tables", &out->selection.tables, e) &&
              load_list(st, "exclude", &out->selection.exclude, e) && load_rest(st, out, e);
    if (schema != NULL)
        sync_name_schemas(out, schema);
    free(schema);
    if (ok && (out->source == NULL || out->target == NULL)) {
        ok = err_set(e, ERR_STATE, "no move has been set up in %s", out->dir);
        err_hint(e, "repl init --source URL --target URL");
    }
    if (!ok)
        sync_free(out);
    return ok;
}

void sync_name_schemas(struct sync *s, const char *schema)
{
    char *mine = xstrdup(schema);
    free(s->schema);
    free(s->twin);
    s->schema = mine;
    s->twin = xasprintf("%s%s", mine, BACK_SUFFIX);
    s->selection.own_schema = s->schema;
}

void sync_turn(struct sync *s)
{
    char *schema = s->schema, *source = s->source;
    s->source = s->target;
    s->target = source;
    s->schema = s->twin;
    s->twin = schema;
    s->back = !s->back;
    s->selection.own_schema = s->schema;
}

bool sync_load_way(struct state *st, struct sync *out, struct err *e)
{
    char *way;
    if (!sync_load(st, out, e))
        return false;
    if (!state_get(st, "way", &way, e)) {
        sync_free(out);
        return false;
    }
    if (way != NULL && strcmp(way, "back") == 0)
        sync_turn(out);
    side_names_turn(out->back);
    free(way);
    return true;
}

void sync_free(struct sync *s)
{
    free(s->twin);
    free(s->dir);
    free(s->source);
    free(s->target);
    free(s->schema);
    free(s->copy_from);
    strlist_free(&s->selection.tables);
    strlist_free(&s->selection.exclude);
    *s = (struct sync){0};
}

const char *sync_fork(const struct sync *s)
{
    return s->copy_from != NULL && strcmp(s->copy_from, COPY_FROM_SOURCE) != 0 ? s->copy_from : NULL;
}

bool sync_connect(const struct sync *s, enum side side, const char *purpose, struct conn **out, struct err *e)
{
    const char *spec = side == SIDE_SOURCE ? s->source : side == SIDE_TARGET ? s->target : sync_fork(s);
    const struct conn_options o = {.side = side,
                                   .purpose = purpose,
                                   .read_only = side == SIDE_FORK,
                                   .interrupt = s->interrupt,
                                   .lock_timeout_ms = side == SIDE_TARGET ? TARGET_LOCK_MS : SOURCE_LOCK_MS};
    if (spec == NULL) {
        err_set(e, ERR_USAGE, "the %s is not known", side_name(side));
        return err_hint(e, "give %s URL", side_option(side));
    }
    return conn_open(spec, &o, out, e);
}
