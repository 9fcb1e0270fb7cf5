-- Ends repl's own sessions, of an engine wherever it runs, that hold a lock on something in the schema.
-- Reads: pg_locks, pg_class, pg_stat_activity.   Writes: nothing; ends sessions of this role in this database.
-- Variables: schema.   Returns: how many there were.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.usename = session_user AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.application_name LIKE 'repl: %'
  AND a.pid IN (SELECT l.pid FROM pg_catalog.pg_locks l
                JOIN pg_catalog.pg_class c ON c.oid = l.relation
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = :'schema'
                  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
