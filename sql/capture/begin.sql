-- Opens a batch's source transaction: locks first, then the snapshot, then what is owed under it.
-- Reads: deltas.   Variables: lock ("LOCK TABLE ...;" or nothing), schema, position, own_ids, own_positions, cap.
-- Returns: the snapshot; then a row a table that owes something.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
:lock
SELECT pg_catalog.txid_current_snapshot();
SELECT id, truncated, row_count
FROM :"schema".owed(:'position', :'own_ids'::int[], :'own_positions'::text[], :cap);
