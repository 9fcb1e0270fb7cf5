-- Ends the sessions that hold a lock of this sync's workers, once no engine is there that they could belong to.
-- Reads: pg_locks, pg_database.   Writes: nothing; ends sessions of this role in this database.
-- Variables: key (bigint): of the lock.
-- Returns: how many there were.
SELECT count(pg_catalog.pg_terminate_backend(l.pid))
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.pid <> pg_catalog.pg_backend_pid()
  AND (l.classid::bigint << 32) | l.objid::bigint = :'key'::bigint
