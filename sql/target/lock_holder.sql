-- Which session holds an advisory lock of this sync.
-- Reads: pg_locks, pg_database, pg_stat_activity.   Writes: nothing.
-- Variables: key (bigint): of the lock.
-- Returns: pid, application_name, role, address (null: a local socket); what another role's session hides is null. Or no row.
SELECT l.pid, a.application_name, a.usename, a.client_addr
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND (l.classid::bigint << 32) | l.objid::bigint = :'key'::bigint
