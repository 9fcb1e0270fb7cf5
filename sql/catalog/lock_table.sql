-- Whether the lock table is large enough for all tables at once, when a transaction found it full.
-- Reads: settings, pg_class, pg_namespace, pg_lock_status.   Writes: nothing.   Variables: none.
-- Returns: max_locks_per_transaction, the slots that it gives, the most that one transaction of repl may lock: each table with its
-- indexes and TOAST, twice for its deltas or stage; those that stand in it now; the setting that would do for both.
WITH s AS (
    SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint AS each,
           pg_catalog.current_setting('max_connections')::bigint
               + pg_catalog.current_setting('max_prepared_transactions')::bigint AS sessions
), u AS (
    SELECT count(*) AS used FROM pg_catalog.pg_lock_status() l WHERE NOT l.fastpath
), n AS (
    SELECT 2 * count(*) AS most FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'i', 'I', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
)
SELECT s.each, s.each * s.sessions, n.most, u.used, greatest((u.used + 2 * n.most) / s.sessions + 1, s.each + 16) FROM s, n, u
