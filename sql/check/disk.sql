-- What bears on the target's disk.
-- Reads: settings.   Writes: nothing.   Variables: none.
-- Returns: max_wal (bytes), reached by a Unix socket, data directory (null where this role may not see it).
SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')),
       pg_catalog.inet_client_addr() IS NULL,
       (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'data_directory')
