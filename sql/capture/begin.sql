-- Opens a batch's source transaction: locks first, then the snapshot, then what is owed under it.
-- Reads: deltas.   Variables: lock ("LOCK TABLE ...;" or nothing), schema, position, own_ids, own_positions, cap.
-- Returns: the snapshot; then a row a table that owes something: id, truncated, rows, shape.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
:lock
SELECT pg_catalog.txid_current_snapshot();
SELECT o.id, o.truncated, o.row_count, :"schema".shape(r.relid)
FROM :"schema".owed(:'position', :'own_ids'::int[], :'own_positions'::text[], :cap) o
JOIN :"schema".relation r ON r.id = o.id;
