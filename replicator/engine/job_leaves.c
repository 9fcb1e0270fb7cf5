/*
 * An opening finds partitions that came and went on the source. A new one is taken in: its TRUNCATEs are captured, and what
 * it holds is owed, since it may have been attached with rows that no trigger has seen; what the target's partition of the
 * same name holds is owed too, since the source's may have been emptied before that. One that is gone makes its table wait
 * until the target has none of that name either: its rows left without a trigger having seen them.
 */
#include <stdlib.h>

#include "jobs.h"

enum { LOCK_MS = 300 };

/* The next event of a message, which is to be that one. */
static bool reach(struct conn *db, enum pg_event wanted, struct err *e)
{
    for (;;) {
        enum pg_event event;
        struct result *r = NULL;
        if (!pg_next(db, &event, &r, e))
            return false;
        result_free(r);
        if (event == wanted)
            return true;
        if (event == PG_END)
            return err_set(e, ERR_SQL, "the server did not begin to copy");
    }
}

static char *keys_out_sql(struct arena *a, const char *search_path, const struct relation *root,
                          const struct leaf *leaf, const char *xid)
{
    struct buf b = {0};
    buf_printf(&b, "%s; COPY (SELECT %s",
               search_path_sql(a, relation_names_objects(root) ? NULL : search_path), xid);
    for (size_t k = 0; k < root->nkey; k++) {
        buf_puts(&b, ", ");
        sql_ident(&b, relation_key(root, k)->name);
    }
    buf_printf(&b, " FROM ONLY %s%s) TO STDOUT", leaf->sql, root->nkey == 0 ? " LIMIT 1" : "");
    return buf_take(a, &b);
}

/* The keys of the target's leaf are owed, in one transaction on the source. */
static bool owe_twin(const struct world *w, const struct relation *root, const struct leaf *leaf,
                     struct conn *source, struct conn *target, struct err *e)
{
    char *xid = NULL;
    struct copy_progress progress = {0};
    bool ok = pg_exec(source, "BEGIN", e) &&
              pg_value(source, "SELECT pg_catalog.txid_current()", 0, NULL, &xid, e) &&
              pg_send(target, keys_out_sql(w->mem, w->capture.search_path, root, leaf, xid), e) &&
              reach(target, PG_COPY_OUT, e) &&
              pg_send(source, capture_keys_in_sql(w->mem, &w->capture, root), e) &&
              reach(source, PG_COPY_IN, e) && copier_run(target, source, &progress, e) &&
              reach(source, PG_END, e) && reach(target, PG_END, e) && pg_exec(source, "COMMIT", e);
    free(xid);
    return ok || err_relation(e, root);
}

static bool has_key(const struct relation *root, const struct relation *t)
{
    for (size_t k = 0; t != NULL && k < root->nkey; k++)
        if (relation_column(t, relation_key(root, k)->name) == NULL)
            return false;
    return t != NULL;
}

/* The target's root has a leaf of that name. */
static bool has_leaf(const struct relation *root, const struct leaf *leaf, const struct relations *targets,
                     struct conn *target, bool *found, struct err *e)
{
    const struct relation *t = relations_twin(targets, root);
    *found = false;
    return !has_key(root, t) || !t->partitioned || capture_has_leaf(target, root, leaf->sql, found, e);
}

/* The target's table of that name: a leaf, or to become one. */
static bool has_twin(const struct relation *root, const struct leaf *leaf, const struct relations *targets,
                     struct conn *target, bool *found, struct err *e)
{
    const struct relation *t = relations_find(targets, leaf->schema, leaf->name);
    if (t == NULL)
        return has_leaf(root, leaf, targets, target, found, e);
    *found = !t->partitioned && has_key(root, t);
    return true;
}

static void note(struct world *w, const char **why, const struct relation *root, const struct leaf *leaf)
{
    const char **one = &why[root - w->relations.items];
    *one = *one != NULL ? *one : leaf->sql;
}

static bool take_in(struct world *w, const struct relation *root, const struct leaf *leaf,
                    const struct relations *targets, struct conn *source, struct conn *target, struct err *e)
{
    bool twin = false;
    if (!capture_watch_leaf(source, &w->capture, root, leaf, LOCK_MS, e)) {
        w->unfinished = true; /* the next survey comes back */
        note(w, w->held, root, leaf);
        return err_is_lock(e) || err_table(e, leaf->schema, leaf->name) || err_relation(e, root);
    }
    if (!capture_record_leaf(source, &w->capture, root, leaf, e) ||
        !has_twin(root, leaf, targets, target, &twin, e) ||
        (twin && !owe_twin(w, root, leaf, source, target, e)) ||
        !capture_note_leaf(source, &w->capture, root, leaf, e))
        return false;
    world_say(w, arena_printf(w->mem, "%s has the new partition %s.%s: what it holds is owed", root->label,
                              leaf->schema, leaf->name));
    return true;
}

static bool let_go(struct world *w, const struct relation *root, const struct leaf *leaf,
                   const struct relations *targets, struct conn *source, struct conn *target, struct err *e)
{
    bool twin = false;
    if (!has_leaf(root, leaf, targets, target, &twin, e))
        return false;
    if (twin) {
        note(w, w->gone, root, leaf);
        return capture_leaf_is_gone(source, &w->capture, leaf, e);
    }
    if (capture_forget_leaf(source, &w->capture, root, leaf, LOCK_MS, e))
        return true;
    w->unfinished = true;
    return err_is_lock(e);
}

bool mend_leaves(struct world *w, const struct relations *targets, struct conn *source, struct conn *target,
                 struct err *e)
{
    struct leaf *leaves;
    size_t n;
    w->gone = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->gone);
    w->held = arena_alloc(w->mem, (w->relations.count + 1) * sizeof *w->held);
    if (!capture_leaves_changed(source, &w->capture, w->mem, &leaves, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct relation *root = relations_by_id(&w->relations, leaves[i].relation);
        if (root == NULL || root->capture_broken)
            continue;
        if (!(leaves[i].attached != NULL ? take_in(w, root, &leaves[i], targets, source, target, e)
                                         : let_go(w, root, &leaves[i], targets, source, target, e)))
            return false;
    }
    return true;
}

bool mend_left(const struct world *w, const struct relation *r, struct err *e)
{
    const char *leaf = w->gone[r - w->relations.items], *held = w->held[r - w->relations.items];
    if (leaf == NULL && held == NULL)
        return false;
    if (leaf == NULL) {
        err_set(e, ERR_CONFIG, "its new partition %s is not taken in yet, since others hold it locked", held);
        err_relation(e, r);
        err_hint(e, "end the sessions that hold it for long; repl tries again by itself");
        return true;
    }
    err_set(e, ERR_CONFIG, "its partition %s is gone from the source, and the target still has it", leaf);
    err_relation(e, r);
    err_hint(e, "on the target: ALTER TABLE %s DETACH PARTITION %s, or DROP TABLE %s", r->sql, leaf, leaf);
    return true;
}
