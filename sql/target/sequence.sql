-- Sets a sequence, unless it is further on already: never backwards, whoever moved it.
-- Writes: the sequence.   Variables: sequence (quoted name), value, behind ("<"; ">" for one that counts down; "<>" for one
-- that cycles, behind a fence).
SELECT pg_catalog.setval(:'sequence'::pg_catalog.regclass, :value)
WHERE coalesce(pg_catalog.pg_sequence_last_value(:'sequence'::pg_catalog.regclass) :behind :value, true);
