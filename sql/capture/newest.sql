-- The newest transaction on record of given tables. Reads: deltas.   Variables: schema, ids (text: an array).
-- Returns: its id; null: none.
SELECT :"schema".newest(:'ids'::int[])
