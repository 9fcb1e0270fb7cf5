-- Opens a batch's source transaction: locks first, then the snapshot; owed.sql, prepared, comes behind it.
-- Variables: lock ("LOCK TABLE ...;" or nothing), woken, epoch and written (sequences; the last two of the target's slot),
-- timeout (ms of each statement; 0: none).
-- Returns: the snapshot, how often tables woke by then, the epoch that goes on, the number of the last logged write.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = :timeout;
:lock
SELECT pg_catalog.txid_current_snapshot(), pg_catalog.pg_sequence_last_value(:'woken'::pg_catalog.regclass),
       pg_catalog.pg_sequence_last_value(:'epoch'::pg_catalog.regclass),
       pg_catalog.pg_sequence_last_value(:'written'::pg_catalog.regclass);
