-- What a session of repl is at, asked by another one while its answer does not come.
-- Reads: pg_stat_activity, pg_blocking_pids.   Writes: nothing; waits for no lock.
-- Variables: pid (int): of the session.
-- Returns: works (false: the server waits for repl in that session), and of the session that it waits for: pid (null: none, or
-- a prepared transaction), its role, its application_name, and the seconds since its query began. No row: the session has ended.
SELECT a.state IS NULL
       OR (a.state NOT LIKE 'idle%' AND coalesce(a.wait_event NOT IN ('ClientRead', 'ClientWrite'), true)),
       b.pid, b.usename, b.application_name,
       extract(epoch FROM pg_catalog.clock_timestamp() - b.query_start)
FROM pg_catalog.pg_stat_activity a
LEFT JOIN LATERAL (
    SELECT o.pid, o.usename, o.application_name, o.query_start
    FROM pg_catalog.pg_stat_activity o
    WHERE o.pid = ANY (pg_catalog.pg_blocking_pids(a.pid))
    ORDER BY o.query_start NULLS LAST LIMIT 1) b ON true
WHERE a.pid = :pid
