-- Who holds a lock on a table that stands in the way of triggers: the longest transaction of them.
-- Reads: pg_locks, pg_stat_activity.   Variables: table.   Returns: one line for people, or no row.
SELECT pg_catalog.format('pid %s (%s, transaction for %s): %s', a.pid,
                         coalesce(nullif(a.application_name, ''), a.backend_type),
                         pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.xact_start),
                         pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80))
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = :'table'::pg_catalog.regclass AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
ORDER BY a.xact_start
LIMIT 1
