-- The sync's tables, as something to count: "ONLY schema.table", or a partitioned table with all of its partitions.
-- Reads: capture's relation, pg_class.   Writes: nothing.   Variables: schema (of capture).
-- Returns: FROM item, label.
SELECT pg_catalog.format('%s%I.%I', CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END, n.nspname, c.relname),
       pg_catalog.format('%s.%s', n.nspname, c.relname)
FROM :"schema".relation r
JOIN pg_catalog.pg_class c ON c.oid = r.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.installed_at IS NOT NULL
ORDER BY pg_catalog.pg_table_size(c.oid), 2
