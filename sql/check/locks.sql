-- The shared lock table.
-- Reads: pg_locks, settings.   Writes: nothing.   Variables: none.
-- Returns: slots, max_locks_per_transaction, used (those of tables and other objects that stand in it now).
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
           * (pg_catalog.current_setting('max_connections')::bigint
              + pg_catalog.current_setting('max_prepared_transactions')::bigint),
       pg_catalog.current_setting('max_locks_per_transaction')::bigint,
       (SELECT count(*) FROM pg_catalog.pg_locks k
        WHERE k.locktype IN ('relation', 'object') AND NOT k.fastpath AND k.pid IS DISTINCT FROM pg_catalog.pg_backend_pid())
