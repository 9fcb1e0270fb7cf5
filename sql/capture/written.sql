-- What some transactions left on record of given tables; in an order that two servers agree on.
-- Reads: deltas.   Variables: schema, ids (text: an array), lowest, highest.
-- Returns: table's id, transaction, what (a digest).
SELECT id, xid, what FROM :"schema".written(:'ids'::int[], :lowest, :highest)
ORDER BY id, xid, what COLLATE "C"
