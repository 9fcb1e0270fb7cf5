-- Sets a sequence, unless it stands further on already: never backwards, whoever moved it.
-- Writes: the sequence.   Variables: sequence (quoted name), value, behind ("<", or ">" for one that counts down).
SELECT pg_catalog.setval(:'sequence'::pg_catalog.regclass, :value)
WHERE coalesce(pg_catalog.pg_sequence_last_value(:'sequence'::pg_catalog.regclass) :behind :value, true);
