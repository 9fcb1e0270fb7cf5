-- What others have locked so that nobody reads it, or are about to: who asks for it waits.
-- Reads: pg_lock_status (what the view pg_locks shows, which a role may be kept from).   Writes: nothing.   Variables: none.
-- Returns: oid, of a partition that of the root.
SELECT DISTINCT coalesce(pg_catalog.pg_partition_root(l.relation), l.relation)::pg_catalog.oid
FROM pg_catalog.pg_lock_status() l
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
