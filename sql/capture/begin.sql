-- Opens a batch's source transaction: locks first, then the snapshot; owed.sql, prepared, comes behind it.
-- Variables: lock ("LOCK TABLE ...;" or nothing).   Returns: the snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
:lock
SELECT pg_catalog.txid_current_snapshot();
