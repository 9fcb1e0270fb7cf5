/* What the files of capture share about locks and single tables. */
#ifndef REPL_CAPTURE_INSTALL_H
#define REPL_CAPTURE_INSTALL_H

#include "repl/capture.h"

/* Registers every table that has no id yet, all in one round trip, and gives their ids, by place in the list. */
bool give_ids(struct conn *db, const struct capture *c, const struct relations *l, int *ids,
              struct err *e) MUST_CHECK;

/* Makes one table's objects and triggers; sets its id. A lock that is not to be had in time: err_is_lock. */
bool install_table(struct conn *db, const struct capture *c, struct relation *r, int id,
                   const struct capture_install_options *o, struct err *e) MUST_CHECK;

/* The statement that notes a leaf (quoted name) as taken in; attached: as leaves() told it, "" for as it is now. */
char *leaf_note_sql(struct arena *a, const struct capture *c, const struct relation *root, const char *leaf,
                    const char *attached);
/* The trigger for TRUNCATE of a leaf: its quoted name, and the statement that makes it. */
const char *leaf_trigger_name(struct arena *a, const struct capture *c, const struct relation *root);
void leaf_trigger_sql(struct arena *a, const struct capture *c, const struct relation *root, const char *leaf,
                      struct buf *b);
/* Locks a table of the application (quoted, with ONLY where its children are none of it) for the rest of the transaction:
 * autovacuum gives way, and writers wait for lock_timeout_ms at most (sql/capture/claim.sql). */
void claim_table(struct arena *a, struct buf *b, const char *table, const char *mode,
                 unsigned lock_timeout_ms);

#endif
