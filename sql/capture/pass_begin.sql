-- What a pass over one table's deltas begins with. One query, so that no TRUNCATE falls between what it returns.
-- Reads: truncations, sizes of the deltas.   Variables: schema, id, delta_a, delta_b, position (of the table on the target;
-- empty: everything is owed).
-- Returns: the snapshot that the pass brings the table to, the blocks of each side, whether a TRUNCATE that this snapshot
-- sees is owed.
SELECT pg_catalog.txid_current_snapshot(),
       pg_catalog.pg_relation_size(:'delta_a') / pg_catalog.current_setting('block_size')::bigint,
       pg_catalog.pg_relation_size(:'delta_b') / pg_catalog.current_setting('block_size')::bigint,
       EXISTS (SELECT FROM (SELECT * FROM :"schema".truncation_a UNION ALL SELECT * FROM :"schema".truncation_b) t
               WHERE t.relation = :id AND (:'position' = '' OR NOT pg_catalog.txid_visible_in_snapshot(
                         t.xid, nullif(:'position', '')::pg_catalog.txid_snapshot)))
