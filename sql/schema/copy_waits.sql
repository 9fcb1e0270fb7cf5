-- What this role's sessions that load rows are at: whether the server is behind them, or they wait for rows to come.
-- Reads: pg_stat_activity.   Writes: nothing.
-- Variables: none.
-- Returns: sessions with a COPY under way; those of them that wait for rows.
SELECT count(*), count(*) FILTER (WHERE a.wait_event = 'ClientRead')
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.usename = session_user AND a.state = 'active'
  AND a.application_name = 'repl: worker' AND a.query LIKE '%FROM STDIN%'
