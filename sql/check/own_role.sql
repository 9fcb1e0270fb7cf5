-- Sessions that log in as repl's own role and are none of repl's.
-- Reads: pg_stat_activity.   Writes: nothing.   Variables: none.   Returns: the role, how many, the names of some.
SELECT session_user, pg_catalog.count(*), coalesce(pg_catalog.string_agg(DISTINCT nullif(a.application_name, ''), ', '), '')
FROM pg_catalog.pg_stat_activity a
WHERE a.usename = session_user AND a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
  AND a.pid <> pg_catalog.pg_backend_pid() AND a.application_name NOT LIKE 'repl: %'
