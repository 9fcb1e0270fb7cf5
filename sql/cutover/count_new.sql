-- The rows of a table, and those of them that transactions wrote which a snapshot does not see. A row has the lower half of its
-- transaction's number, which is taken for the one nearest to the snapshot.
-- Reads: the table.   Writes: nothing.   Variables: item ("ONLY schema.table"), snapshot.
-- Returns: one row: all, new ones.
SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE x.id >= 3 AND NOT pg_catalog.txid_visible_in_snapshot(
           s.xmax + x.id - (s.xmax & 4294967295)
           + CASE WHEN x.id - (s.xmax & 4294967295) > 2147483647 THEN -4294967296
                  WHEN x.id - (s.xmax & 4294967295) < -2147483647 THEN 4294967296 ELSE 0 END, s.it))
FROM (SELECT pg_catalog.txid_snapshot_xmax(:'snapshot'::pg_catalog.txid_snapshot) AS xmax,
             :'snapshot'::pg_catalog.txid_snapshot AS it OFFSET 0) s
CROSS JOIN (SELECT t.xmin::text::bigint AS id FROM :item t) x
