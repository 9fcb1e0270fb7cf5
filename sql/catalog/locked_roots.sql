-- What others have locked so that nobody reads it, or are about to: who asks for it waits.
-- Reads: :sql_catalog_locked.   Writes: nothing.   Variables: none.
-- Returns: oid, of a partition that of the root.
SELECT DISTINCT coalesce(pg_catalog.pg_partition_root(l.oid), l.oid)::pg_catalog.oid
FROM (:sql_catalog_locked) l
WHERE l.mode = 'AccessExclusiveLock'
