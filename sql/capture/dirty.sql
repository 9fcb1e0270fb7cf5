-- The tables with any delta row, covered or not, of those that a look asks.
-- Reads: relation, sizes of the deltas, truncations, missed.   Variables: schema, woken (sequence), watched (ids of the
-- tables to ask; null: all), an expression.
-- Returns: how often tables woke by then, and an id a row; one row without an id where there is none.
SELECT w.woken, d.id
FROM (SELECT pg_catalog.pg_sequence_last_value(:'woken'::pg_catalog.regclass) AS woken) w
LEFT JOIN :"schema".dirty(:watched) d(id) ON true
