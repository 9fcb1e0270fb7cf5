-- Lets a sequence that never gave a value begin where the source's would.
-- Reads, writes: the sequence; nothing where it is not there or gave values already.
-- Variables: sequence (text): quoted and qualified; next: the value.
SELECT pg_catalog.setval(s.seqrelid, :next, false)
FROM pg_catalog.pg_sequence s
WHERE CASE WHEN s.seqrelid = pg_catalog.to_regclass(:'sequence') AND :next BETWEEN s.seqmin AND s.seqmax
           THEN pg_catalog.pg_sequence_last_value(s.seqrelid) IS NULL END
