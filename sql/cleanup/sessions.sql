-- Sessions of others that are connected to this database now.
-- Reads: pg_stat_activity.   Writes: nothing.   Variables: none.
-- Returns: pid, role, application, client; of another role's session the server may hide the last one.
SELECT a.pid, coalesce(a.usename::text, '?'), coalesce(nullif(a.application_name, ''), 'no name'),
       coalesce(pg_catalog.host(a.client_addr), CASE WHEN a.client_hostname IS NULL THEN 'local or hidden' END)
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.application_name NOT LIKE 'repl: %' AND a.usename IS NOT NULL
ORDER BY a.backend_start, a.pid
