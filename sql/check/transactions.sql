-- Transactions of this database that are open for long, and sessions of which that cannot be seen.
-- Reads: pg_stat_activity, pg_locks.   Writes: nothing.
-- Variables: seconds (number).
-- Returns: pid, role (quoted), application, state, seconds (null: other roles' sessions that are in a transaction,
-- where this role may not see more), oldest first.
-- Without pg_read_all_stats another role's row shows neither xact_start nor state, but the xmin it holds; what it has
-- locked is open to everybody.
SELECT a.pid, pg_catalog.quote_ident(a.usename), a.application_name, coalesce(a.state, ''),
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::bigint
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
  AND NOT (a.usename = session_user AND a.application_name LIKE 'repl: %')
  AND (a.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => :seconds)
       OR a.query = '<insufficient privilege>'
          AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL
               OR EXISTS (SELECT FROM pg_catalog.pg_locks k
                          JOIN pg_catalog.pg_database d ON d.oid = k.database AND d.datname = a.datname
                          WHERE k.pid = a.pid AND k.locktype = 'relation')))
ORDER BY a.xact_start
