-- Who stands in the way of a lock: the longest transaction of those that hold one on a table, or wait for one in front; one of
-- repl's own only where there is no other.
-- Reads: :sql_catalog_locked, :sql_catalog_holders, :sql_catalog_maintenance, pg_class, pg_index, pg_namespace; waits for no lock itself.
-- Variables: table (text): schema.name, also that of a partitioned root, whose partitions count; empty: any. modes (text):
-- those that stand in the way, as an array; of a sequence that is named also those that keep its last value from being read.
-- Returns: schema, name (of the root), locked (which relation it is, as people write it), who (one line), pid (null: a
-- prepared transaction, or another that has no session), what the relation is to people, role and application_name, when its query
-- began (seconds since 1970); or no row.
WITH whose AS ( -- an index is its table's, and so is what holds its large values
    SELECT h.*, coalesce(o.oid, i.indrelid, h.oid) AS owner
    FROM (:sql_catalog_locked) h
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = h.oid
    LEFT JOIN pg_catalog.pg_class o ON o.reltoastrelid = coalesce(i.indrelid, h.oid)
)
SELECT rn.nspname, r.relname, n.nspname || '.' || c.relname,
       b.who || coalesce(', ' || m.what, '') || CASE WHEN w.granted THEN '' ELSE ', which waits for the lock itself' END, b.pid,
       CASE c.relkind WHEN 'S' THEN 'the sequence' ELSE 'the table' END, b.role, b.name, b.began
FROM whose w
JOIN pg_catalog.pg_class c ON c.oid = w.owner
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN (:sql_catalog_roots) part ON part.oid = c.oid
JOIN pg_catalog.pg_class r ON r.oid = part.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN (:sql_catalog_holders) b ON b.pid = w.pid OR (w.pid IS NULL AND b.virtualtransaction = w.virtualtransaction)
LEFT JOIN (:sql_catalog_maintenance) m ON m.pid = b.pid
WHERE (w.mode = ANY (:'modes'::text[])
       OR (c.relkind = 'S' AND :'table' <> '' AND w.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock')))
  AND :'table' IN ('', n.nspname || '.' || c.relname, rn.nspname || '.' || r.relname)
ORDER BY b.own, w.granted DESC, b.since, (w.owner = w.oid) DESC
LIMIT 1
