-- What a restore must fit into.
-- Reads: settings.   Writes: nothing.
-- Variables: jobs (integer): how many indexes are built at a time.
-- Returns: lock_slots (of the server's shared lock table), maintenance_kb (for each job).
-- shared_buffers is a quarter of the memory where a provider or a careful person set it; an eighth of the memory may
-- go to the sorts of index builds. The server's own setting is the least, and 2 GB the most that a sort makes use of.
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
           * (pg_catalog.current_setting('max_connections')::bigint
              + pg_catalog.current_setting('max_prepared_transactions')::bigint),
       greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')),
                least(pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / (2 * :jobs),
                      2147483648 - 1024)) / 1024
