/*
 * Capture: schema, delta tables and triggers on the source; what is owed; rotation. Source side only.
 * The objects and why they look as they do: docs/capture.md.
 */
#ifndef REPL_CAPTURE_H
#define REPL_CAPTURE_H

#include "repl/catalog.h"

/* One sync's capture on one server. Strings are borrowed. */
struct capture {
    const char *schema;            /* "repl" unless the user chose another */
    char sync_id[SYNC_ID_LEN + 1]; /* "" until installed or adopted */
    char role[256];  /* that this session logged in as: the one whose marked writes are not captured */
    bool other_role; /* capture's functions let those of another through, see capture_take_role */
    int slot;        /* the target's, and the epoch that this engine began in it (slot.c); 0 until then */
    int64_t epoch;
    const char *search_path;       /* of the application's sessions, where tables are read; NULL: not known */
    struct installation installed; /* what capture_find saw */
};

/* ---- install and remove ---- */

/* Creates the schema with its tables, sequences and functions unless it is there; either way c->sync_id is set. A new
 * one gets the id that c has, if any. A schema of that name that is not repl's is an ERR_CONFIG. One transaction. */
bool capture_install_schema(struct conn *db, struct capture *c, struct err *e) MUST_CHECK;

/* Sets c->sync_id where capture's schema is there, leaves "" where it is not. c->installed says what is there instead. */
bool capture_find(struct conn *db, struct capture *c, struct err *e) MUST_CHECK;

/* Where capture was installed by sessions of another role, or the role was renamed since: makes the functions of these tables
 * new, and then notes the role. No lock on a table. Not where the fence stands, which is in the functions. */
bool capture_take_role(struct conn *db, struct capture *c, const struct relations *l,
                       struct err *e) MUST_CHECK;
/* The source is moved to that target from here on, and to no other: the copy begins at its start, so nothing counts as
 * applied and no init as ended. name: host:port/database; system: see struct installation. One transaction. */
bool capture_set_target(struct conn *db, struct capture *c, const char *target_id, const char *name,
                        const char *system, struct err *e) MUST_CHECK;
/* The same target goes by another name now. */
bool capture_name_target(struct conn *db, struct capture *c, const char *name, const char *system,
                         struct err *e) MUST_CHECK;
/* An init has come to its end: from here on the sync may be started. */
bool capture_set_ready(struct conn *db, struct capture *c, struct err *e) MUST_CHECK;

/* Gives every relation that is captured already its id, by oid, and nothing else; the others keep 0, and so do all where nothing
 * is captured. */
bool capture_number(struct conn *db, const struct capture *c, struct relations *l, struct arena *a,
                    struct err *e) MUST_CHECK;
/* Gives every relation that is captured already its id (by oid) and shape; the others keep 0. A table that was
 * captured without key stays without. key_was is set where a key is no longer the one whose values the deltas hold. */
bool capture_assign_ids(struct conn *db, const struct capture *c, struct relations *l, struct arena *a,
                        struct err *e) MUST_CHECK;

/* The key's columns, as relation.key_was has them. */
char *capture_key_text(struct arena *a, const struct relation *r);

struct capture_install_options {
    unsigned lock_timeout_ms; /* how long an application statement may wait behind CREATE TRIGGER */
    unsigned give_up_ms;      /* in all; 0: never */
    /* Called before each wait: which table, who blocks it (may be ""), how long until the next try. */
    void (*waiting)(void *arg, const struct relation *r, const char *blocker, unsigned ms);
    /* Called when a table is captured. */
    void (*installed)(void *arg, const struct relation *r);
    void *arg;
    bool end_sessions; /* remove only: repl's own sessions that hold locks in the schema are ended */
};

/*
 * Installs capture on every relation without id, one table a transaction, tables that are locked by others last and
 * again with backoff. Sets the ids. On ERR_CONFLICT (gave up) what was installed stays, and a second call goes on.
 */
bool capture_install_tables(struct conn *db, const struct capture *c, struct relations *l,
                            const struct capture_install_options *o, struct err *e) MUST_CHECK;

/* The functions name the key's columns as they are named now: no lock on the table, no change of the deltas. */
bool capture_rename_key(struct conn *db, const struct capture *c, const struct relation *r,
                        struct err *e) MUST_CHECK;

/* Makes the capture of a table anew, for the key that it has now. What its deltas held is gone: the table must have been
 * marked as owed whole before. One transaction, with an exclusive lock for its time; 55P03 where that is not to be had. */
bool capture_renew_table(struct conn *db, const struct capture *c, const struct relation *r,
                         unsigned lock_timeout_ms, struct err *e) MUST_CHECK;

/* ---- partitions that come and go (leaves.c) ---- */

struct leaf {
    int relation; /* id of the table whose leaf it is, or was */
    uint32_t oid;
    const char *sql, *schema, *name;
    const char *attached; /* it is new, or attached anew; NULL: it is gone */
    bool exists;          /* gone, and a table of its own now */
};

/* In what they differ from those that were taken in; in the arena. */
bool capture_leaves_changed(struct conn *db, const struct capture *c, struct arena *a, struct leaf **out,
                            size_t *count, struct err *e) MUST_CHECK;
/* Whether the partitioned table, of either side, has a leaf of that quoted name. */
bool capture_has_leaf(struct conn *db, const struct relation *root, const char *leaf, bool *found,
                      struct err *e) MUST_CHECK;
/* A new one is taken in by three steps: its TRUNCATEs are captured from here on (55P03 where others hold it); its rows are
 * recorded, since it may have been attached with them, in pieces; and it is noted. */
bool capture_watch_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                        const struct leaf *leaf, unsigned lock_timeout_ms, struct err *e) MUST_CHECK;
bool capture_record_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                         const struct leaf *leaf, struct err *e) MUST_CHECK;
bool capture_note_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                       const struct leaf *leaf, struct err *e) MUST_CHECK;
/* One that is gone is noted so, since it may come back, and later forgotten. */
bool capture_leaf_is_gone(struct conn *db, const struct capture *c, const struct leaf *leaf,
                          struct err *e) MUST_CHECK;
bool capture_forget_leaf(struct conn *db, const struct capture *c, const struct relation *root,
                         const struct leaf *leaf, unsigned lock_timeout_ms, struct err *e) MUST_CHECK;
/* A COPY that takes keys, each behind the id of the transaction that it runs in. */
char *capture_keys_in_sql(struct arena *a, const struct capture *c, const struct relation *r);

/* What capture_remove would drop, one line each ("trigger repl_insert on public.account"), in the arena. */
bool capture_list(struct conn *db, const char *schema, struct arena *a, struct strlist *out,
                  struct err *e) MUST_CHECK;

/*
 * Nothing is captured any more, in all sessions and at once, without a lock on any table: every capture function does
 * nothing, and a fence is gone with that. for_good: the schema is no sync's from then on, so no engine and no init takes it
 * for capture that works. *functions: how many.
 */
bool capture_disarm(struct conn *db, const char *schema, bool for_good, int64_t *functions,
                    struct err *e) MUST_CHECK;

/* Drops triggers, one table a transaction under the same courtesy as install, tables that are busy last, then the schema. Finds the objects by
 * the catalog alone, so it works where the state is lost and where a restore brought them. */
bool capture_remove(struct conn *db, const char *schema, const struct capture_install_options *o,
                    struct err *e) MUST_CHECK;

/* What was made for single tables: their triggers, deltas and functions. The schema and the rest stay. */
bool capture_remove_tables(struct conn *db, const char *schema, const struct capture_install_options *o,
                           struct err *e) MUST_CHECK;

/* The ids of captured tables that were dropped since. */
bool capture_dropped(struct conn *db, const struct capture *c, struct arena *a, int **ids, size_t *count,
                     struct err *e) MUST_CHECK;
/* Forgets one of them: its delta tables and functions go. One transaction. */
bool capture_forget(struct conn *db, const struct capture *c, int id, struct err *e) MUST_CHECK;

/* ---- what is owed ---- */

/* A table's position when it is not the sync's own. */
struct table_position {
    int id;
    const char *snapshot; /* "" means everything in its deltas is owed */
};

struct positions {
    const char *snapshot;             /* the sync's; "" means everything */
    const struct table_position *own; /* tables that stand elsewhere */
    size_t nown;
    /* The tables that the target has in its list, for rotation; NULL: all. Nothing is applied of any other. */
    const struct ids *known;
};

/* Where that table stands. */
const char *positions_of(const struct positions *p, int id);

struct owed {
    int id;
    bool truncated; /* a TRUNCATE is owed: it comes first */
    int64_t rows;   /* delta rows not covered, counted up to the cap */
    int64_t bytes;  /* of its deltas, covered or not; 0: nobody asked, see capture_weigh */
};

struct owed_list {
    const char *snapshot; /* the source snapshot that this list and the rows belong to */
    struct owed *items;   /* only tables that owe something */
    size_t count;
    bool woke; /* a table woke that was not asked: all are to be */
};

/* The tables that a look asks: all, or those that are awake (sleep.c; docs/capture.md, "Sleep"). */
struct awake {
    bool all;
    struct ids ids;
    int64_t woken; /* how often tables had woken when no other was awake */
};

/* The ids of tables with any delta row at all, covered or not: cheap, no snapshot. *woke: a table woke that was not
 * asked. ERR_CONFLICT where the source is not the one on which the epoch was begun, or lacks the logged write of that
 * number; the same in capture_begin. */
bool capture_dirty(struct conn *db, const struct capture *c, const struct awake *w, int64_t written,
                   struct arena *a, int **ids, size_t *count, bool *woke, struct err *e) MUST_CHECK;

/*
 * Opens the batch's source transaction: locks the tables (ACCESS SHARE, before the snapshot), takes the snapshot and
 * says what is owed, at most cap rows counted a table. One round trip. If a table outside the list owes something, or one
 * woke that was not asked, *outside is set and the transaction is rolled back: call again with a longer list. ERR_CONFLICT where a table no
 * longer has the shape that it was described with: the catalogs must be read again. The tables of left_out are neither
 * locked nor looked at, and are not in the list.
 */
bool capture_begin(struct conn *db, const struct capture *c, const struct relation *const *tables,
                   size_t ntables, const struct awake *w, const struct positions *p, int64_t written,
                   const struct ids *left_out, int64_t cap, struct arena *a, struct owed_list *out,
                   bool *outside, struct err *e) MUST_CHECK;

/* Adds how large the deltas of these tables are. One query. */
bool capture_weigh(struct conn *db, const struct capture *c, struct owed_list *l, struct err *e) MUST_CHECK;

/* Opens a source transaction for a step of a catch-up pass: locks the table, takes a snapshot, looks at the shape as
 * capture_begin does. */
bool capture_begin_step(struct conn *db, const struct capture *c, const struct relation *table,
                        struct err *e) MUST_CHECK;

/* A part of what a table owes. */
struct delta_range {
    char side; /* 'a' or 'b': blocks from..to-1 of that delta table; 0: both sides whole */
    int64_t from, to;
    /* Of slices parts the one with this number: every key is in one part alone, wherever it stands in the deltas. 0: all
     * keys. */
    int slices, slice;
};
/* Whether its keys can be told apart so: by hash functions that agree with the key's equality. */
bool capture_can_slice(const struct relation *r);

/* Exports the snapshot of the transaction that capture_begin or capture_begin_step opened. Then the statements by which
 * other sessions read under it: they must begin while that transaction is open, whose locks keep the tables as they are. */
bool capture_export(struct conn *db, struct arena *a, char **snapshot, struct err *e) MUST_CHECK;
char *capture_join_sql(struct arena *a, const struct relation *const *tables, size_t n, const char *snapshot);

/*
 * The COPY ... TO STDOUT that joins a table's owed keys with its rows: present, key columns, copied columns.
 * snapshot "" : every delta row. A table without key: its copied columns alone, all rows.
 */
char *capture_batch_sql(struct arena *a, const struct capture *c, const struct relation *r,
                        const char *snapshot, const struct delta_range *range);

/* The same of a table with a key, as a statement that the session keeps, up to so many rows. Its name says what shape the
 * table has, since a kept statement's result must stay of the same types. */
struct kept capture_batch_kept(struct arena *a, const struct capture *c, const struct relation *r,
                               const char *snapshot, int most);

/* A part of a heap: blocks from..to-1, or, where by_key, keys as catalog_cuts gives them, lower <= key < upper, NULL
 * where there is no bound. */
struct heap_range {
    bool by_key;
    int64_t from, to;
    const char *lower, *upper;
};

/*
 * A chunk of the first copy, less the rows with keys in the deltas. Several can share a short source transaction:
 * begin, every lock, every look, every copy, end. A look fails with 55000 where the heap's filenode is not the one given,
 * with 55006 where the table was altered. Each is one statement; end is several.
 */
struct chunk_sql {
    const char *lock, *look, *copy;
};
struct chunk_sql capture_chunk_sql(struct arena *a, const struct capture *c, const struct relation *r,
                                   const struct heap *h, const struct heap_range *range, bool binary);
extern const char capture_chunk_begin_sql[];

/* ---- the target's slot (slot.c): the proof of history; docs/architecture.md, "Durability" and "Doubt" ---- */

/* The slot of the target of that id; c->slot is 0 where the one that is there belongs to another target, for whose sake
 * deltas were truncated. */
bool capture_open_slot(struct conn *db, struct capture *c, const char *target, struct err *e) MUST_CHECK;

/* What the source says of its history to a target that is at epoch. */
struct slot_proof {
    struct server_identity source;
    int64_t lsn, xmax; /* of now */
    int slot;          /* 0: it knows no such target */
    int64_t epoch;     /* that goes on */
    int64_t written;   /* the number of the last logged write */
    /* The batch that truncations relied on, by the number of its write and by the target's own; 0: nothing was truncated. */
    int64_t applied, applied_batch;
    bool known;          /* the target's epoch was begun here */
    int64_t first, last; /* then the numbers of its logged writes */
};
bool capture_proof(struct conn *db, const struct capture *c, const char *target, int64_t epoch,
                   struct slot_proof *out, struct err *e) MUST_CHECK;

/* Begins an epoch by that random mark: what another engine has under way fails from here on. *first: its first number,
 * above at_least and all that the source knows. */
bool capture_begin_epoch(struct conn *db, struct capture *c, int64_t mark, int64_t at_least, int64_t *first,
                         struct err *e) MUST_CHECK;

/* Ends the transaction of a batch, a step or a chunk, and makes everything that its snapshot saw durable on the source by
 * a logged write, whose number and place in the WAL are the last result. Fails with RP001 where capture_dirty has a
 * conflict. */
char *capture_end_sql(struct arena *a, const struct capture *c, int64_t at_least);
/* Such a write alone. */
bool capture_written(struct conn *db, const struct capture *c, int64_t at_least, int64_t *out,
                     struct err *e) MUST_CHECK;
/* Before rows of deltas go: they go because the target has what it had when it committed the write of that number, and
 * that batch. */
bool capture_rely(struct conn *db, const struct capture *c, int64_t applied, int64_t batch,
                  struct err *e) MUST_CHECK;
/* The largest number that capture_rely and truncations have recorded, of any target; 0: no delta was truncated. */
bool capture_applied(struct conn *db, const struct capture *c, int64_t *out, struct err *e) MUST_CHECK;
/* The epoch and the last number as read from the source are those that must be there. */
bool capture_is_as_left(const struct capture *c, int64_t epoch, int64_t written, int64_t at_least,
                        struct err *e) MUST_CHECK;

/* What a pass over a table's deltas begins with, of one moment: the snapshot that it brings the table to, the blocks of
 * each side, for cutting ranges, and whether a TRUNCATE by then is owed to a target at position. */
struct pass_start {
    char *snapshot;
    int64_t a_blocks, b_blocks;
    bool truncated;
};
bool capture_begin_pass(struct conn *db, const struct capture *c, int id, const char *position,
                        struct arena *a, struct pass_start *out, struct err *e) MUST_CHECK;

/* Rows owed of every table (counted up to cap each), outside any batch: for status. */
bool capture_backlog(struct conn *db, const struct capture *c, const struct positions *p, int64_t cap,
                     struct arena *a, struct owed_list *out, struct err *e) MUST_CHECK;

/* ---- for comparing under live traffic (look.c; docs/verify.md) ---- */

/* Opens a source transaction in which no delta of the table is truncated; the next query takes its snapshot. */
char *capture_hold_sql(struct arena *a, const struct capture *c, const struct relation *r);

/* The query for the numbers of those keys that are owed to a target at snapshot ("": everything is). values:
 * "VALUES (number, key, ...), ..."; of a table without key the number alone. */
char *capture_owed_keys_sql(struct arena *a, const struct capture *c, const struct relation *r,
                            const char *snapshot, const char *values);

/* Owes the keys of values to the target, as if their rows had changed: the next batch brings what the source has. */
bool capture_owe(struct conn *db, const struct capture *c, const struct relation *r, const char *values,
                 struct arena *a, struct err *e) MUST_CHECK;

/* ---- databases that were copied from the source: a fork, what a dump was restored into (copies.c) ---- */

/* Which server and history the last init found capture on, as this database has it on record. */
bool capture_history(struct conn *db, const struct capture *c, struct server_identity *out,
                     struct err *e) MUST_CHECK;
/* Puts that on record on the source, so that copies made from now on carry it. */
bool capture_note_history(struct conn *source, const struct capture *c, struct err *e) MUST_CHECK;

struct captured_table {
    bool exists;              /* a table of the source's oid; means nothing where a dump was restored */
    bool unlogged;            /* or a partition of it is; the same */
    int id;                   /* 0: not known to capture */
    const char *installed_at; /* "" : not captured */
    const char *shape;
};
/* Of each relation of the source, in their order. */
bool capture_seen(struct conn *db, const struct capture *c, const struct relations *l, struct arena *a,
                  struct captured_table **out, struct err *e) MUST_CHECK;

/*
 * Whether what the copy has on record of these tables is on record on the source too: true, or an ERR_CONFIG that
 * names a transaction that was never there (somebody wrote to the copy, or it comes from another history). Looks at the
 * newest transactions of the copy, since those that the source does not know come last. Only for tables whose deltas the
 * source has not begun to truncate.
 */
bool capture_is_part(struct conn *copy, struct conn *source, const struct capture *c,
                     const struct relations *l, struct err *e) MUST_CHECK;

/* ---- doorbell and rotation ---- */

enum bell {
    BELL_WAS_RUNG,
    BELL_WAS_ARMED, /* nobody had rung since */
    BELL_SILENT     /* nobody rings: transactions can be prepared there, and one that notifies cannot */
};
/* Arms the doorbell and the bells of who is awake, unless it has to be silent; anyway: even then. Tells how it was. */
bool capture_arm(struct conn *db, const struct capture *c, const struct awake *w, bool anyway,
                 enum bell *bell, struct err *e) MUST_CHECK;

/* Truncates inactive sides whose every row is covered by a target at p, which has committed that batch behind the logged
 * write of that number, and records that the truncation relies on it. Then lets the writers change sides when the active ones
 * hold at least min_bytes. Never waits for a writer's lock. *truncated counts sides. Looks at who is awake alone: whoever
 * sleeps holds nothing. */
bool capture_rotate(struct conn *db, const struct capture *c, const struct awake *w,
                    const struct positions *p, int64_t number, int64_t batch, int64_t min_bytes,
                    int *truncated, struct err *e) MUST_CHECK;

/* ---- sleep (sleep.c): what was not written to for long is not looked at ---- */

struct lull {
    int64_t woken;
    int64_t horizon; /* a transaction's id */
};
/* Puts all tables to sleep but those to keep; capture_awake says when the others are looked at no more. */
bool capture_lull(struct conn *db, const struct capture *c, const struct ids *keep, struct lull *out,
                  struct err *e) MUST_CHECK;
/* Who is awake since, once nobody is in flight any more who was before the lull: until then *settled is false. ids are
 * the arena's. */
bool capture_awake(struct conn *db, const struct capture *c, const struct lull *l, struct arena *a,
                   bool *settled, struct awake *out, struct err *e) MUST_CHECK;

/* ---- what the source has to keep (burden.c) ---- */

struct burden {
    int64_t delta_bytes;
    int holder; /* pid of a session that has a delta locked, so that it is not truncated; -1: none */
    const char *holder_name;  /* NULL where there is none, as the slot below */
    double holder_seconds;    /* since its transaction began; negative: not known */
    int64_t wal_written;      /* in all, for a rate */
    int64_t wal_not_archived; /* bytes that are kept until they are; -1: not known */
    int64_t wal_of_slots;     /* bytes that are kept for replication slots; -1: none */
    const char *slot;         /* the one that keeps the most */
};

/* Strings are the arena's. */
bool capture_burden(struct conn *db, const struct capture *c, struct arena *a, struct burden *out,
                    struct err *e) MUST_CHECK;

#endif
