-- Transactions that hold a lock on a captured table, its partitions or its deltas with which they may have written, or
-- still may: those whose changes a fence must wait for.
-- Reads: pg_locks, pg_stat_activity, pg_inherits, relation.   Variables: schema.
-- Returns: the transaction (virtual id), pid (null: prepared), who, seconds since it began, its state, the table.
WITH RECURSIVE watched (relid) AS (
    SELECT relid FROM :"schema".relation WHERE installed_at IS NOT NULL
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN watched w ON w.relid = i.inhparent
), locked AS (
    SELECT DISTINCT ON (l.virtualtransaction) l.virtualtransaction, l.pid, l.relation
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.granted
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.relation IN (SELECT relid FROM watched
                         UNION ALL SELECT delta_a FROM :"schema".relation UNION ALL SELECT delta_b FROM :"schema".relation)
    ORDER BY l.virtualtransaction, l.relation
)
SELECT l.virtualtransaction, l.pid, coalesce(nullif(a.application_name, ''), a.usename::text, 'a prepared transaction'),
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start), coalesce(a.state, 'prepared'),
       l.relation::pg_catalog.regclass
FROM locked l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
ORDER BY 4 DESC NULLS FIRST, 2
