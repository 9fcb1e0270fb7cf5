/*
 * Chunks of the first copy: one, or several small ones that share their round trips. The order:
 *
 *   source: BEGIN, all locks, the looks (which take the snapshot), the copies, COMMIT, the logged write: one message
 *   target: BEGIN, the rows, then, when the source's write is confirmed, the marks, COMMIT
 *
 * A chunk that is alone may be read in slices, each as above on the source; the target commits behind the last.
 *
 * A COPY IN costs a round trip, since libpq takes no data for it before the server has said that it waits for some. So
 * the rows of tiny chunks come as INSERTs of literals, gathered and sent with what is due next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insert.h"
#include "repl/clock.h"
#include "repl/fault.h"
#include "streams.h"

enum {
    GATHER_MAX = 256 * 1024, /* of one chunk; one that has more goes on as a COPY */
    UNSENT_MAX = 1024 * 1024
};

/* What the target is yet to be asked: each statement, and which chunk it is of. */
struct outbox {
    struct buf sql;
    struct chunk_piece **of; /* NULL: of none */
    size_t count;
    bool sent; /* what comes of it is to be taken still */
};

static void outbox_add(struct outbox *o, struct chunk_piece *p)
{
    o->of = xrealloc(o->of, (o->count + 1) * sizeof(*o->of));
    o->of[o->count++] = p;
}

static void outbox_clear(struct outbox *o)
{
    buf_free(&o->sql);
    free(o->of);
    *o = (struct outbox){0};
}

static bool fails(struct chunk_copy *c, const struct chunk_piece *p, struct err *e)
{
    stream_too_wide(e);
    if (p == NULL)
        return false;
    c->failed = p;
    search_path_hint(c->search_path, e);
    return err_relation(e, p->relation);
}

static bool take_one(struct conn *db, struct err *e)
{
    struct result *r;
    bool ok = stream_result(db, &r, e);
    result_free(r);
    return ok;
}

/* Sends all that waits. The message may end with a COPY. */
static bool outbox_send(struct conn *target, struct outbox *o, struct err *e)
{
    o->sent = true;
    return pg_send(target, o->sql.data, e);
}

/* Sends what waits, unless it was sent, and takes what comes of it. A COPY at its end is then open. */
static bool flush(struct conn *target, struct chunk_copy *c, struct outbox *o, struct err *e)
{
    if (o->sql.len == 0)
        return true;
    bool ok = o->sent || outbox_send(target, o, e);
    for (size_t i = 0; ok && i < o->count; i++)
        ok = take_one(target, e) || fails(c, o->of[i], e);
    outbox_clear(o);
    return ok;
}

/* ---- the source's side ---- */

static const char *read_path(const struct chunk_copy *c)
{
    for (size_t i = 0; i < c->npieces; i++)
        if (relation_names_objects(c->pieces[i].relation))
            return NULL;
    return c->search_path;
}

static char *source_script(const struct chunk_copy *c, size_t slice)
{
    struct buf b = {0};
    buf_puts(&b, c->begin_sql);
    for (size_t i = 0; i < c->npieces; i++)
        buf_puts(&b, c->pieces[i].lock_sql);
    for (size_t i = 0; i < c->npieces; i++)
        buf_puts(&b, c->pieces[i].look_sql);
    struct arena *a = arena_new();
    buf_printf(&b, "%s;\n", search_path_sql(a, read_path(c)));
    arena_free(a);
    for (size_t i = 0; i < c->npieces; i++)
        buf_puts(&b, c->pieces[i].copy_sql[slice]);
    buf_puts(&b, c->end_sql);
    return b.data;
}

/* What the source answers before its first row: one result a statement, so it is known whose failed. */
static bool take_looks(struct conn *source, struct chunk_copy *c, struct err *e)
{
    if (!take_one(source, e))
        return false;
    for (size_t i = 0; i < 2 * c->npieces; i++)
        if (!take_one(source, e))
            return fails(c, &c->pieces[i % c->npieces], e);
    return take_one(source, e); /* the search_path */
}

/* ---- rows ---- */

static void add_copy(struct outbox *o, const struct chunk_piece *p)
{
    buf_printf(&o->sql, "COPY %s ", p->relation->sql);
    insert_columns(&o->sql, p->relation);
    buf_printf(&o->sql, " FROM STDIN (FORMAT %s)", p->binary && !p->tiny ? "binary" : "text");
}

/* One COPY, of the rows that were read already and of those that are to come. */
static bool copy_piece(struct conn *source, struct conn *target, struct chunk_copy *c, struct chunk_piece *p,
                       struct outbox *o, const struct buf *read, struct err *e)
{
    uint64_t rows = atomic_load(&p->progress.rows);
    struct result *copied;
    if (!o->sent)
        add_copy(o, p);
    if (!flush(target, c, o, e) || !stream_open(target, PG_COPY_IN, e) ||
        !copy_write(target, buf_text(read), read->len, e) || !copier_run(source, target, &p->progress, e) ||
        !stream_result(target, &copied, e))
        return fails(c, p, e);
    p->mark.rows += result_affected(copied);
    /* Rows of binary streams are counted by the message; what the server counted is exact. */
    if (read->len == 0)
        atomic_store(&p->progress.rows, rows + (uint64_t)result_affected(copied));
    result_free(copied);
    return pg_end(target, e);
}

static bool gather_piece(struct conn *source, struct conn *target, struct chunk_copy *c,
                         struct chunk_piece *p, struct outbox *o, struct buf *read, struct err *e)
{
    bool ended;
    if (!copier_gather(source, read, GATHER_MAX, &p->progress, &ended, e))
        return fails(c, p, e);
    if (!ended)
        return copy_piece(source, target, c, p, o, read, e);
    p->mark.rows = (int64_t)atomic_load(&p->progress.rows);
    if (read->len == 0)
        return true;
    insert_add(&o->sql, p->relation, read->data, read->len);
    outbox_add(o, p);
    return o->sql.len < UNSENT_MAX || (flush(target, c, o, e) && pg_end(target, e));
}

static bool move_piece(struct conn *source, struct conn *target, struct chunk_copy *c, struct chunk_piece *p,
                       struct outbox *o, struct err *e)
{
    struct buf read = {0};
    bool ok = stream_open(source, PG_COPY_OUT, e) || fails(c, p, e);
    if (ok)
        ok = p->tiny ? gather_piece(source, target, c, p, o, &read, e)
                     : copy_piece(source, target, c, p, o, &read, e);
    buf_free(&read);
    return ok;
}

static bool copy_slice(struct conn *source, struct conn *target, struct chunk_copy *c, size_t slice,
                       struct outbox *o, struct err *e)
{
    uint64_t until = c->slice_ms != 0 ? clock_ms() + c->slice_ms : 0;
    char *script = source_script(c, slice);
    bool ok = pg_send(source, script, e);
    free(script);
    /* The first COPY is opened on both sides at once, so that the round trips to both pass at the same time. */
    if (ok && !c->pieces[0].tiny) {
        add_copy(o, &c->pieces[0]);
        ok = outbox_send(target, o, e);
    }
    ok = ok && take_looks(source, c, e);
    for (size_t i = 0; ok && i < c->npieces; i++) {
        c->pieces[i].progress.limited_until_ms = until;
        ok = move_piece(source, target, c, &c->pieces[i], o, e);
    }
    fault_point("chunk.copied");
    return ok && stream_end_written(source, &c->written, e);
}

/* ---- marks ---- */

static void add_path(struct outbox *o, struct chunk_copy *c, const char *path)
{
    struct arena *a = arena_new();
    if (c->search_path != NULL) {
        buf_printf(&o->sql, "%s; ", search_path_sql(a, path));
        outbox_add(o, NULL);
    }
    arena_free(a);
}

static void add_marks(struct outbox *o, struct chunk_copy *c)
{
    struct buf completed = {0};
    buf_puts(&o->sql, "INSERT INTO ");
    sql_ident(&o->sql, c->schema);
    buf_puts(&o->sql, ".chunk (relation, heap, chunk, rows, bytes, number) VALUES ");
    for (size_t i = 0; i < c->npieces; i++) {
        struct target_chunk *m = &c->pieces[i].mark;
        m->bytes = (int64_t)atomic_load(&c->pieces[i].progress.bytes);
        buf_printf(&o->sql, "%s(%d, %u, %lld, %lld, %lld, %lld)", i != 0 ? ", " : "", m->relation, m->heap,
                   (long long)m->chunk, (long long)m->rows, (long long)m->bytes,
                   (long long)c->written.number);
        if (c->pieces[i].completes)
            buf_printf(&completed, "%s%d", completed.len != 0 ? ", " : "", m->relation);
    }
    outbox_add(o, NULL);
    if (completed.len != 0) {
        buf_puts(&o->sql, "; UPDATE ");
        sql_ident(&o->sql, c->schema);
        buf_printf(&o->sql, ".relation SET copied = true WHERE id IN (%s)", completed.data);
        outbox_add(o, NULL);
    }
    buf_puts(&o->sql, "; ");
    add_path(o, c, c->search_path);
    buf_puts(&o->sql, "COMMIT");
    outbox_add(o, NULL);
    buf_free(&completed);
}

static bool copy_all(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e)
{
    struct outbox o = {0};
    buf_puts(&o.sql, "BEGIN; ");
    outbox_add(&o, NULL);
    add_path(&o, c, c->search_path);
    bool ok = true;
    for (size_t i = 0; ok && i < c->pieces[0].nslices; i++)
        ok = copy_slice(source, target, c, i, &o, e);
    if (ok && c->may_commit != NULL)
        ok = flush(target, c, &o, e) && pg_end(target, e) && c->may_commit(c->arg, e);
    if (ok) {
        add_path(&o, c, NULL);
        add_marks(&o, c);
        fault_point("chunk.before_commit");
        ok = flush(target, c, &o, e) && pg_end(target, e);
        fault_point("chunk.after_commit");
    }
    outbox_clear(&o);
    return ok;
}

/* As if nothing had been tried. */
static void take_back(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e)
{
    pg_reset(source);
    pg_reset(target);
    for (size_t i = 0; i < c->npieces; i++) {
        c->given_up = c->given_up || c->pieces[i].progress.given_up;
        atomic_store(&c->pieces[i].progress.rows, 0);
        atomic_store(&c->pieces[i].progress.bytes, 0);
    }
    if (c->npieces == 1)
        fails(c, &c->pieces[0], e);
}

bool chunk_copy(struct conn *source, struct conn *target, struct chunk_copy *c, struct err *e)
{
    conn_interrupt_at(source, INTERRUPT_SOON); /* a chunk is cheap to repeat */
    conn_interrupt_at(target, INTERRUPT_SOON);
    c->given_up = false;
    c->failed = NULL;
    c->written = (struct written){0};
    for (size_t i = 0; i < c->npieces; i++) {
        c->pieces[i].mark.rows = 0;
        c->pieces[i].progress.given_up = false;
    }
    bool ok = copy_all(source, target, c, e);
    if (!ok)
        take_back(source, target, c, e);
    conn_interrupt_at(source, INTERRUPT_NOW);
    conn_interrupt_at(target, INTERRUPT_NOW);
    return ok;
}
