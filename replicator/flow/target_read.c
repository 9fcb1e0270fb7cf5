/* What repl's tables on the target say: read at each opening, and one table's standing by who reads its rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"
#include "streams.h"
#include "target_private.h"

static void take_position(const struct result *r, struct arena *a, struct target_state *out)
{
    snprintf(out->sync_id, sizeof out->sync_id, "%s", result_text(r, 0, 0));
    out->batch = result_int(r, 0, 1);
    out->snapshot = arena_strdup(a, result_text(r, 0, 2));
    snprintf(out->source.system_identifier, sizeof out->source.system_identifier, "%s", result_text(r, 0, 3));
    out->source.timeline = result_int(r, 0, 4);
    out->source.database = (uint32_t)result_int(r, 0, 5);
    out->applied_at = arena_strdup(a, result_text(r, 0, 6));
    out->mark = (struct target_mark){.epoch = result_int(r, 0, 8),
                                     .batch = out->batch,
                                     .of_batch = result_int(r, 0, 9),
                                     .lsn = result_int(r, 0, 10),
                                     .number = result_int(r, 0, 11),
                                     .snapshot = out->snapshot,
                                     .source = out->source};
    snprintf(out->mark.target, sizeof out->mark.target, "%s", result_text(r, 0, 7));
    snprintf(out->target_id, sizeof out->target_id, "%s", result_text(r, 0, 7));
    out->doubt_at = arena_strdup(a, result_text(r, 0, 12));
    out->doubt_reason = arena_strdup(a, result_text(r, 0, 13));
}

static const char *text_or_null(const struct result *r, int row, int col, struct arena *a)
{
    return result_null(r, row, col) ? NULL : arena_strdup(a, result_text(r, row, col));
}

static void take_relations(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nrelations = (size_t)result_rows(r);
    out->relations = arena_alloc(a, out->nrelations * sizeof *out->relations);
    for (int i = 0; i < result_rows(r); i++)
        out->relations[i] = (struct target_relation){
            .id = (int)result_int(r, i, 0),
            .schema = arena_strdup(a, result_text(r, i, 1)),
            .name = arena_strdup(a, result_text(r, i, 2)),
            .copied = result_bool(r, i, 3),
            .snapshot = text_or_null(r, i, 4, a),
            .goal = text_or_null(r, i, 5, a),
            .side = result_text(r, i, 6)[0],
            .block = result_int(r, i, 7),
            .afresh = result_bool(r, i, 8),
            .origin = origin_of(result_text(r, i, 9)),
            .doubt = result_int(r, i, 10),
            .oid = (uint32_t)result_int(r, i, 11),
        };
}

static void take_heaps(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nheaps = (size_t)result_rows(r);
    out->heaps = arena_alloc(a, out->nheaps * sizeof *out->heaps);
    for (int i = 0; i < result_rows(r); i++)
        out->heaps[i] = (struct target_heap){
            .relation = (int)result_int(r, i, 0),
            .heap = (uint32_t)result_int(r, i, 1),
            .filenode = (uint32_t)result_int(r, i, 2),
            .blocks = result_int(r, i, 3),
            .bytes = result_int(r, i, 4),
            .range_key = text_or_null(r, i, 5, a),
        };
}

/* Both come ordered by relation and heap, the cuts by number too. */
static void take_cuts(const struct result *r, struct arena *a, struct target_state *out)
{
    struct target_cut *cuts = arena_alloc(a, ((size_t)result_rows(r) + 1) * sizeof *cuts);
    struct target_heap *h = out->heaps;
    for (int i = 0; i < result_rows(r); i++) {
        while (h->relation != (int)result_int(r, i, 0) || h->heap != (uint32_t)result_int(r, i, 1))
            h++; /* a cut refers to its heap, and both are of one snapshot */
        if (h->ncuts++ == 0)
            h->cuts = &cuts[i];
        cuts[i] = (struct target_cut){
            .block = result_int(r, i, 2),
            .key = text_or_null(r, i, 3, a),
            .bytes = result_int(r, i, 4),
        };
    }
}

static void take_chunks(const struct result *r, struct arena *a, struct target_state *out)
{
    out->nchunks = (size_t)result_rows(r);
    out->chunks = arena_alloc(a, out->nchunks * sizeof *out->chunks);
    for (int i = 0; i < result_rows(r); i++)
        out->chunks[i] = (struct target_chunk){
            .relation = (int)result_int(r, i, 0),
            .heap = (uint32_t)result_int(r, i, 1),
            .chunk = result_int(r, i, 2),
            .rows = result_int(r, i, 3),
            .bytes = result_int(r, i, 4),
        };
}

/* Of the statement in front, which has the others read under one snapshot. */
static void take_nothing(const struct result *r, struct arena *a, struct target_state *out)
{
    (void)r;
    (void)a;
    (void)out;
}

/* The steps' list is the arena's, unlike a strlist that was added to. */
static void take_steps(const struct result *r, struct arena *a, struct target_state *out)
{
    out->steps.count = (size_t)result_rows(r);
    out->steps.items = arena_alloc(a, out->steps.count * sizeof *out->steps.items);
    for (int i = 0; i < result_rows(r); i++)
        out->steps.items[i] = arena_strdup(a, result_text(r, i, 0));
}

bool target_read(struct conn *db, const char *schema, struct arena *a, struct target_state *out,
                 struct err *e)
{
    static void (*const takers[])(const struct result *, struct arena *, struct target_state *) = {
        take_nothing, take_position, take_relations, take_heaps, take_cuts, take_chunks, take_steps,
    };
    struct installation in;
    memset(out, 0, sizeof *out);
    out->snapshot = out->applied_at = out->doubt_at = out->doubt_reason = out->mark.snapshot = "";
    if (!catalog_installation(db, schema, &in, e))
        return false;
    out->exists = in.kind == INSTALLED_TARGET;
    if (!out->exists)
        return true;
    if (!installation_usable(&in, db, schema, e))
        return false;

    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    char *sql = sql_fill(sql_target_state, vars);
    bool ok = pg_send(db, sql, e);
    free(sql);
    for (size_t i = 0; ok && i < sizeof takers / sizeof *takers; i++) {
        struct result *r;
        ok = stream_result(db, &r, e);
        if (ok) {
            takers[i](r, a, out);
            result_free(r);
        }
    }
    return ok && pg_end(db, e);
}

bool target_stands(struct conn *db, const char *schema, int id, struct arena *a, struct target_standing *out,
                   struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {"id", arena_printf(a, "%d", id)}, {NULL, NULL}};
    bool ok = pg_query_filled(db, sql_target_stands, vars, &r, e);
    if (!ok)
        return false;
    *out = (struct target_standing){.known = result_rows(r) != 0, .snapshot = ""};
    if (out->known) {
        out->copied = result_bool(r, 0, 0);
        out->snapshot = arena_strdup(a, result_text(r, 0, 1));
        struct target_mark *m = &out->mark;
        *m = (struct target_mark){
            .source = {.timeline = result_int(r, 0, 3), .database = (uint32_t)result_int(r, 0, 4)},
            .epoch = result_int(r, 0, 6),
            .number = result_int(r, 0, 7),
            .lsn = result_int(r, 0, 8),
            .of_batch = result_int(r, 0, 9),
            .batch = result_int(r, 0, 10),
            .snapshot = out->snapshot,
        };
        snprintf(m->source.system_identifier, sizeof m->source.system_identifier, "%s", result_text(r, 0, 2));
        snprintf(m->target, sizeof m->target, "%s", result_text(r, 0, 5));
    }
    result_free(r);
    return true;
}

bool target_count_doubts(struct conn *db, const char *schema, size_t *tables, struct err *e)
{
    struct result *r;
    const struct sql_var vars[] = {{"schema", schema}, {NULL, NULL}};
    if (!pg_query_filled(db, sql_target_doubts, vars, &r, e))
        return false;
    *tables = (size_t)result_int(r, 0, 0);
    result_free(r);
    return true;
}

/* ---- what is there ---- */

const struct target_relation *target_relation_by_id(const struct target_state *s, int id)
{
    for (size_t i = 0; i < s->nrelations; i++)
        if (s->relations[i].id == id)
            return &s->relations[i];
    return NULL;
}

void target_assign_ids(const struct target_state *s, struct relations *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        targets->items[i].id = 0;
        for (size_t k = 0; k < s->nrelations && targets->items[i].id == 0; k++)
            if (s->relations[k].oid == targets->items[i].oid)
                targets->items[i].id = s->relations[k].id;
    }
}

bool target_has_step(const struct target_state *s, const char *step)
{
    for (size_t i = 0; i < s->steps.count; i++)
        if (strcmp(s->steps.items[i], step) == 0)
            return true;
    return false;
}

bool target_follows(const struct target_state *s)
{
    bool any = false;
    for (size_t i = 0; i < s->nrelations; i++)
        any = any || s->relations[i].snapshot == NULL;
    return any && s->applied_at[0] != '\0';
}

size_t target_in_doubt(const struct target_state *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->nrelations; i++)
        n += s->relations[i].doubt != 0;
    return n;
}

bool target_needs_fork(const struct target_state *s)
{
    bool any = false;
    for (size_t i = 0; i < s->nrelations; i++)
        any = any || s->relations[i].origin == ORIGIN_FORK;
    return any && !target_has_step(s, STEP_FORK);
}
