-- How many sessions there may be, and how many there are that are not repl's.
-- Reads: pg_stat_activity, pg_database, pg_roles, settings.   Writes: nothing.   Variables: none.
-- Returns: open (max_connections less what is reserved), role_limit, database_limit (-1: none), used, used_role,
-- used_database.
-- Of other roles' sessions only their database and role can be seen without pg_read_all_stats, which is enough: a
-- session of a client has both. repl's own do not count, whether an engine runs already or this is the check.
SELECT pg_catalog.current_setting('max_connections')::bigint
           - CASE WHEN r.rolsuper THEN 0
                  ELSE pg_catalog.current_setting('superuser_reserved_connections')::bigint
                       + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::bigint END,
       CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END,
       CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END,
       s.used, s.used_role, s.used_database
FROM pg_catalog.pg_roles r, pg_catalog.pg_database d, LATERAL (
    SELECT count(*) AS used, count(*) FILTER (WHERE a.usesysid = r.oid) AS used_role,
           count(*) FILTER (WHERE a.datid = d.oid) AS used_database
    FROM pg_catalog.pg_stat_activity a
    WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL
      AND coalesce(a.backend_type, 'client backend') = 'client backend'
      AND NOT (a.usesysid = r.oid AND a.application_name LIKE 'repl: %')) s
WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()
