-- What is owed to a target, of each table that owes something: id, truncated, rows, shape.
-- Reads: deltas, catalogs.   Variables: schema; position, own_ids and own_positions of tables that stand elsewhere, cap (how
-- far to count), watched (ids of the tables to ask; null: all), each an expression.
SELECT o.id, o.truncated, o.row_count, :"schema".shape(r.relid)
FROM :"schema".owed(:position, :own_ids, :own_positions, :cap, :watched) o
JOIN :"schema".relation r ON r.id = o.id
