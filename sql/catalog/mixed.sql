-- Partitioned tables with a foreign table among their partitions: whatever is read or written through such a table goes to
-- another server, so its other partitions are tables of their own for repl. Taken in by others as a subquery.
-- Reads: pg_class.   Variables: none.   Returns: oid (of the root).
SELECT pg_catalog.pg_partition_root(f.oid)::pg_catalog.oid AS oid
FROM pg_catalog.pg_class f
WHERE f.relkind = 'f' AND f.relispartition AND pg_catalog.pg_partition_root(f.oid) IS NOT NULL
