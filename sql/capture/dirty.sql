-- The tables with any delta row, covered or not, of those that a look asks.
-- Reads: relation, sizes of the deltas, truncations, missed.   Variables: schema, woken, epoch and written (sequences; the
-- last two of the target's slot), watched (ids of the tables to ask; null: all), an expression.
-- Returns: how often tables woke by then, the epoch that goes on, the number of the last logged write, and an id a row; one
-- row without an id where there is none.
SELECT w.woken, w.epoch, w.written, d.id
FROM (SELECT pg_catalog.pg_sequence_last_value(:'woken'::pg_catalog.regclass) AS woken,
             pg_catalog.pg_sequence_last_value(:'epoch'::pg_catalog.regclass) AS epoch,
             pg_catalog.pg_sequence_last_value(:'written'::pg_catalog.regclass) AS written) w
LEFT JOIN :"schema".dirty(:watched) d(id) ON true
