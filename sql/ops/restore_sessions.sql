-- Ends the sessions that a restore of this sync left behind when repl was killed: an index that one still builds
-- would stand in the way of the next try.
-- Reads: pg_stat_activity.   Writes: nothing; ends sessions of this role in this database.
-- Variables: name (text): their application_name.
-- Returns: how many there were.
SELECT count(pg_catalog.pg_terminate_backend(a.pid))
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database()
  AND a.application_name = :'name'
  AND a.pid <> pg_catalog.pg_backend_pid()
