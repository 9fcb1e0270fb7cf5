-- What the making of a schema may take of a server.
-- Reads: settings.   Writes: nothing.
-- Variables: none.
-- Returns: lock_slots (of the shared lock table), memory_kb (for the sorts of all index builds together), own_kb
-- (maintenance_work_mem), workers (max_parallel_workers), workers_each (max_parallel_maintenance_workers).
-- The memory of the machine is not to be had by SQL. shared_buffers is a quarter of it where a provider (Amazon RDS) or
-- a careful person set it, on Aurora three quarters; an eighth of the memory may go to sorts: half of shared_buffers, or
-- a sixth.
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
           * (pg_catalog.current_setting('max_connections')::bigint
              + pg_catalog.current_setting('max_prepared_transactions')::bigint),
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / 1024
           / CASE WHEN pg_catalog.to_regproc('pg_catalog.aurora_version') IS NULL THEN 2 ELSE 6 END,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024,
       least(pg_catalog.current_setting('max_parallel_workers')::int,
             pg_catalog.current_setting('max_worker_processes')::int),
       pg_catalog.current_setting('max_parallel_maintenance_workers')::int
