/* Everything that would fail later, asked first. Changes nothing on either side. */
#include "preflight.h"

#include <string.h>

#include "ask.h"
#include "repl/embedded.h"

void look_add(struct look *l, enum finding_level level, const char *topic, const char *side,
              const char *table, const char *text, const char *hint)
{
    finding_add(
        l->out, l->a,
        (struct finding){
            .level = level, .topic = topic, .side = side, .table = table, .text = text, .hint = hint});
}

bool read_server_facts(struct look *l, struct conn *c, struct server_facts *out, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"own_schema", l->s->schema}, {NULL, NULL}};
    if (!ask(c, sql_ops_server_facts, vars, &r, e))
        return false;
    *out = (struct server_facts){.database = arena_strdup(l->a, result_text(r, 0, 0)),
                                 .role = arena_strdup(l->a, result_text(r, 0, 1)),
                                 .encoding = arena_strdup(l->a, result_text(r, 0, 2)),
                                 .collation = arena_strdup(l->a, result_text(r, 0, 3)),
                                 .may_create = result_bool(r, 0, 4),
                                 .schema_exists = result_bool(r, 0, 5),
                                 .max_prepared = result_int(r, 0, 6),
                                 .large_objects = result_int(r, 0, 7),
                                 .foreign_tables = result_int(r, 0, 8),
                                 .event_triggers = result_int(r, 0, 9),
                                 .unreadable_sequences = arena_strdup(l->a, result_text(r, 0, 10))};
    result_free(r);
    return true;
}

bool read_table_facts(struct look *l, struct conn *c, const struct relation *const *tables, size_t n,
                      struct table_facts **out, size_t *count, struct err *e)
{
    struct buf oids = {0};
    struct result *r;
    buf_puts(&oids, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(&oids, "%s%u", i != 0 ? "," : "", tables[i]->oid);
    buf_puts(&oids, "}");
    const struct sql_var vars[] = {{"oids", oids.data}, {"own_schema", l->s->schema}, {NULL, NULL}};
    bool ok = ask(c, sql_ops_table_facts, vars, &r, e);
    buf_free(&oids);
    if (!ok)
        return false;
    *count = (size_t)result_rows(r);
    *out = arena_alloc(l->a, *count * sizeof **out);
    for (int i = 0; i < result_rows(r); i++)
        (*out)[i] = (struct table_facts){.oid = (uint32_t)result_int(r, i, 0),
                                         .owned = result_bool(r, i, 1),
                                         .owner = arena_strdup(l->a, result_text(r, i, 2)),
                                         .may_read = result_bool(r, i, 3),
                                         .may_write = result_bool(r, i, 4),
                                         .rows_hidden = result_bool(r, i, 5),
                                         .always = arena_strdup(l->a, result_text(r, i, 6)),
                                         .foreign_partitions = arena_strdup(l->a, result_text(r, i, 7))};
    result_free(r);
    return true;
}

/* ---- both servers together ---- */

static void compare_versions(struct look *l)
{
    int from = conn_server_version(l->source), to = conn_server_version(l->target);
    if (from < CATALOG_MIN_VERSION || to < CATALOG_MIN_VERSION)
        look_add(l, FINDING_BLOCKER, "version",
                 side_name(from < CATALOG_MIN_VERSION ? SIDE_SOURCE : SIDE_TARGET), "",
                 arena_printf(l->a, "PostgreSQL %d is too old: repl needs %d or newer",
                              (from < CATALOG_MIN_VERSION ? from : to) / 10000, CATALOG_MIN_VERSION / 10000),
                 "upgrade that server first (Heroku: heroku pg:upgrade)");
    else if (from / 10000 > to / 10000)
        look_add(l, FINDING_WARNING, "version", "target", "",
                 arena_printf(l->a,
                              "the target (PostgreSQL %d) is older than the source (%d): some of the schema "
                              "may not exist there",
                              to / 10000, from / 10000),
                 arena_printf(l->a, "use a target of PostgreSQL %d or newer", from / 10000));
    else
        look_add(
            l, FINDING_OK, "version", "", "",
            arena_printf(l->a, "PostgreSQL %d on the source, %d on the target", from / 10000, to / 10000),
            NULL);
}

static bool compare_databases(struct look *l, struct err *e)
{
    struct server_identity from, to;
    if (!catalog_identity(l->source, &from, e) || !catalog_identity(l->target, &to, e))
        return false;
    if (catalog_same_database(&from, &to))
        look_add(l, FINDING_BLOCKER, "database", "", "", "source and target are the same database",
                 "give --target the URL of the database to move to");
    return true;
}

static void compare_encodings(struct look *l)
{
    const struct server_facts *from = &l->on_source, *to = &l->on_target;
    if (strcmp(from->encoding, to->encoding) != 0)
        look_add(
            l, FINDING_WARNING, "encoding", "target", "",
            arena_printf(l->a,
                         "the database's encoding is %s, the source's %s: text that does not exist in the "
                         "target's encoding cannot be copied",
                         to->encoding, from->encoding),
            arena_printf(l->a, "CREATE DATABASE ... ENCODING '%s' TEMPLATE template0", from->encoding));
    if (strcmp(from->collation, to->collation) != 0)
        look_add(
            l, FINDING_WARNING, "collation", "target", "",
            arena_printf(l->a, "the database's collation is %s, the source's %s: text sorts in another order",
                         to->collation, from->collation),
            arena_printf(l->a, "CREATE DATABASE ... LC_COLLATE '%s' TEMPLATE template0, if the order matters",
                         from->collation));
}

/* Which sync is installed where, and that the two agree. */
static bool compare_installations(struct look *l, struct err *e)
{
    const char *schema = l->s->schema, *another = "choose another name: --schema NAME";
    struct err found;
    l->capture = (struct capture){.schema = schema};
    if (!capture_find(l->source, &l->capture, &found)) {
        if (found.kind != ERR_CONFIG) {
            *e = found;
            return false;
        }
        finding_add_err(l->out, l->a, "schema", &found);
    } else if (l->on_source.schema_exists && l->capture.sync_id[0] == '\0') {
        look_add(l, FINDING_BLOCKER, "schema", "source", "",
                 arena_printf(l->a, "there is a schema %s that is not repl's", schema), another);
    }
    if (!target_read(l->target, schema, l->a, &l->state, &found)) {
        if (found.kind != ERR_CONFIG) {
            *e = found;
            return false;
        }
        finding_add_err(l->out, l->a, "schema", &found);
    } else if (l->on_target.schema_exists && !l->state.exists) {
        look_add(l, FINDING_BLOCKER, "schema", "target", "",
                 arena_printf(l->a, "there is a schema %s that is not repl's", schema), another);
    }
    if (l->state.exists && strcmp(l->state.sync_id, l->capture.sync_id) != 0)
        look_add(l, FINDING_BLOCKER, "schema", "target", "",
                 l->capture.sync_id[0] == '\0'
                     ? arena_printf(l->a, "the target holds the sync %s, of which the source knows nothing",
                                    l->state.sync_id)
                     : arena_printf(l->a, "the target holds the sync %s, the source %s", l->state.sync_id,
                                    l->capture.sync_id),
                 "if the target's is done with: repl cleanup --source URL --target URL, then init again; "
                 "for a second sync: --schema NAME");
    return true;
}

static bool blocked(const struct findings *f)
{
    struct err ignored; /* only whether there is one is asked */
    return !findings_pass(f, &ignored);
}

bool preflight_run(const struct sync *s, struct conn *source, struct conn *target, struct arena *a,
                   struct findings *out, struct err *e)
{
    struct look l = {.s = s, .source = source, .target = target, .a = a, .out = out};
    *out = (struct findings){0};
    compare_versions(&l);
    if (blocked(out)) /* nothing else can be asked of a server that old */
        return true;
    if (!compare_databases(&l, e))
        return false;
    if (blocked(out)) /* all else follows from that */
        return true;
    if (!read_server_facts(&l, source, &l.on_source, e) || !read_server_facts(&l, target, &l.on_target, e))
        return false;
    compare_encodings(&l);
    return compare_installations(&l, e) && preflight_source(&l, e) && preflight_target(&l, e);
}
