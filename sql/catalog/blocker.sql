-- Who stands in the way of a lock: the longest transaction of those that hold one on a table, or wait for one in front.
-- A prepared transaction has no session: it is the one that holds the lock of its own id.
-- Reads: pg_locks, pg_stat_activity, pg_prepared_xacts, pg_class, pg_index, pg_namespace; waits for no lock itself.
-- Variables: table (text): schema.name, also that of a partitioned root, whose partitions count; empty: any. modes (text):
-- those that stand in the way, as an array.
-- Returns: schema, name (of the root), locked (which relation it is, as people write it), who (one line), pid (null: a
-- prepared transaction, or another that has no session); or no row.
WITH held AS (
    SELECT l.relation, l.pid, l.granted, l.virtualtransaction
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = ANY (:'modes'::text[]) AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
), whose AS ( -- an index is its table's, and so is what holds its large values
    SELECT h.*, coalesce(o.oid, i.indrelid, h.relation) AS oid
    FROM held h
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = h.relation
    LEFT JOIN pg_catalog.pg_class o ON o.reltoastrelid = coalesce(i.indrelid, h.relation)
)
SELECT rn.nspname, r.relname, n.nspname || '.' || c.relname,
       CASE WHEN p.gid IS NULL
            THEN pg_catalog.format('pid %s (%s%s)%s%s', a.pid,
                                   coalesce(nullif(a.application_name, ''), a.backend_type, a.usename),
                                   ', transaction for ' || pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.xact_start),
                                   CASE WHEN NOT w.granted THEN ', which waits for the lock itself' ELSE '' END,
                                   ': ' || pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80))
            ELSE pg_catalog.format('the prepared transaction %L of role %I, since %s (COMMIT PREPARED %1$L, or ROLLBACK PREPARED)',
                                   p.gid, p.owner, pg_catalog.date_trunc('second', p.prepared)) END,
       a.pid
FROM whose w
JOIN pg_catalog.pg_class c ON c.oid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
LEFT JOIN pg_catalog.pg_locks x
  ON w.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = w.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE :'table' IN ('', n.nspname || '.' || c.relname, rn.nspname || '.' || r.relname)
  AND (a.pid IS NOT NULL OR p.gid IS NOT NULL)
ORDER BY w.granted DESC, coalesce(a.xact_start, p.prepared), (w.oid = w.relation) DESC
LIMIT 1
