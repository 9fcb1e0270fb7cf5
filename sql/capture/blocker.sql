-- Who holds a lock on a table that stands in the way of triggers: the longest transaction of them.
-- A prepared transaction has no session: it is the one that holds the lock of its own id.
-- Reads: pg_locks, pg_stat_activity, pg_prepared_xacts.   Variables: table.   Returns: one line for people, or no row.
SELECT CASE WHEN p.gid IS NULL
            THEN pg_catalog.format('pid %s (%s, transaction for %s): %s', a.pid,
                                   coalesce(nullif(a.application_name, ''), a.backend_type),
                                   pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.xact_start),
                                   pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80))
            ELSE pg_catalog.format('the prepared transaction %L of role %I, since %s (COMMIT PREPARED %1$L, or ROLLBACK PREPARED)',
                                   p.gid, p.owner, pg_catalog.date_trunc('second', p.prepared)) END
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_locks x
  ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.relation = :'table'::pg_catalog.regclass AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND (a.pid IS NOT NULL OR p.gid IS NOT NULL)
ORDER BY coalesce(a.xact_start, p.prepared)
LIMIT 1
