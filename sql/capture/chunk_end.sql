-- Ends a chunk's transaction. The logged write behind it makes the deltas durable for which rows were left out: a crash
-- of the source must not take those back.
-- Writes: the sequence applied, with the value it has.   Variables: schema.
COMMIT;
SELECT pg_catalog.setval(pg_catalog.format('%I.applied', :'schema')::pg_catalog.regclass, last_value)
FROM :"schema".applied;
