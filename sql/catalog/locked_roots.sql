-- What others have locked so that nobody reads it, or are about to: who asks for it waits.
-- Reads: :sql_catalog_locked.   Writes: nothing.   Variables: none.
-- Returns: oid, of a partition that of the root.
SELECT DISTINCT coalesce(part.root, l.oid)::pg_catalog.oid
FROM (:sql_catalog_locked) l
LEFT JOIN (:sql_catalog_roots) part ON part.oid = l.oid
WHERE l.mode = 'AccessExclusiveLock'
