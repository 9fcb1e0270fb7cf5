-- What the source has to keep: the deltas, with who holds them longest, and WAL, with the reason.
-- Reads: relation, sizes of the deltas, pg_locks, pg_stat_activity, pg_replication_slots, pg_stat_archiver.   Variables: schema.
-- Returns: bytes of the deltas; pid of a session that is not repl's and has one of them locked, its name, seconds since its
-- transaction began (null: others may not see that); the WAL written so far, in bytes; bytes of WAL that are kept because they are not archived yet
-- (null: not known), and the same for replication slots; the slot's name.
WITH deltas (oid) AS (
    SELECT delta_a::pg_catalog.oid FROM :"schema".relation WHERE delta_a IS NOT NULL
    UNION ALL SELECT delta_b FROM :"schema".relation WHERE delta_b IS NOT NULL
), holder AS (
    SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text) AS name,
           pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) AS seconds
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.granted AND l.relation IN (SELECT oid FROM deltas)
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND a.application_name NOT LIKE 'repl: %'
    ORDER BY a.xact_start NULLS LAST LIMIT 1
), slot AS (
    SELECT slot_name, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) AS kept
    FROM pg_catalog.pg_replication_slots WHERE restart_lsn IS NOT NULL ORDER BY restart_lsn LIMIT 1
), archived AS (
    SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')
           - (('x' || pg_catalog.substr(last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296
              + (('x' || pg_catalog.substr(last_archived_wal, 17, 8))::bit(32)::bigint + 1)
                * pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))) AS kept
    FROM pg_catalog.pg_stat_archiver
    WHERE pg_catalog.current_setting('archive_mode') <> 'off' AND last_archived_wal ~ '^[0-9A-F]{24}$'
)
SELECT (SELECT coalesce(sum(pg_catalog.pg_relation_size(oid)), 0)::bigint FROM deltas),
       (SELECT pid FROM holder), (SELECT name FROM holder), (SELECT seconds FROM holder),
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint,
       (SELECT greatest(kept, 0)::bigint FROM archived), (SELECT greatest(kept, 0)::bigint FROM slot),
       (SELECT slot_name::text FROM slot)
