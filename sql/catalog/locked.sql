-- Locks of tables, sequences and other relations that somebody else has in this database, or waits for. No statement for
-- itself alone: other files take it in as :sql_catalog_locked.
-- Reads: pg_lock_status (what the view pg_locks shows, which a role may be kept from).   Writes: nothing.   Variables: none.
-- Returns: oid, mode, pid (null: of a prepared transaction), granted (else it is waited for), virtualtransaction.
SELECT l.relation AS oid, l.mode, l.pid, l.granted, l.virtualtransaction
FROM pg_catalog.pg_lock_status() l
WHERE l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
