-- Owes keys to the target, as if their rows had changed: the next batch brings them as they are. Whoever sends it rings, too
-- (ring.sql).
-- Reads: the sequence side.   Writes: the active delta table, as one statement: the side may change at any time.
-- Variables: values, names, keys (", v.k1, ..."), side (a sequence), delta_a, delta_b.
WITH v(:names) AS MATERIALIZED (:values),
     active AS MATERIALIZED (SELECT pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) = 1 AS is_a),
     a AS (INSERT INTO :delta_a SELECT pg_catalog.txid_current():keys FROM v, active WHERE is_a)
INSERT INTO :delta_b SELECT pg_catalog.txid_current():keys FROM v, active WHERE NOT is_a;
