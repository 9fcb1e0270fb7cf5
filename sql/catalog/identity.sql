-- Which server and history this is. Reads: the control file, the WAL position.   Writes: nothing.
-- Returns: system identifier, timeline, database oid.
-- The timeline is the one that is written now: the control file's lags behind a promotion.
SELECT s.system_identifier,
       ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::bigint,
       d.oid
FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
