-- Tables that a user could replicate, in schema and name order. Of a partitioned table with foreign tables among its partitions
-- the other partitions are such (mixed.sql), and not itself.
-- Reads: pg_class, pg_namespace, pg_inherits, pg_depend, pg_stats, :sql_catalog_locked, :sql_catalog_roots, :sql_catalog_mixed; waits for nobody's lock.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out as that of the other direction (docs/fallback.md) and those of other
-- syncs are.
-- Returns: oid, schema, name, sql, partitioned, inherited, unlogged, row_security, bytes, rows_estimate, row_bytes (of one row by
-- what statistics know of its columns, bloat apart; null: nothing is known).
WITH RECURSIVE own AS (
    SELECT c.oid, c.relname, c.relnamespace, n.nspname, c.relkind, c.relpersistence, c.relrowsecurity
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN (:sql_catalog_roots) part ON part.oid = c.oid AND part.root = c.oid
    WHERE c.relkind IN ('r', 'p')
      AND NOT (c.relkind = 'p' AND (c.relispartition OR c.oid IN (:sql_catalog_mixed)))
      AND c.relpersistence <> 't'
      AND n.nspname NOT IN (:'own_schema', :'own_schema' || '_back', pg_catalog.regexp_replace(:'own_schema', '_back$', ''))
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                        AND d.objsubid = 0 AND d.deptype = 'e')
), leaf(root, oid) AS (
    SELECT oid, oid FROM own
    UNION ALL
    SELECT l.root, i.inhrelid
    FROM leaf l
    JOIN pg_catalog.pg_class p ON p.oid = l.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = l.oid
), locked(oid) AS MATERIALIZED (
    -- Who asks for the size of a table that is locked so, or about to be, waits: of these it is what statistics say.
    SELECT l.oid FROM (:sql_catalog_locked) l WHERE l.mode = 'AccessExclusiveLock'
), sized AS (
    SELECT root,
           sum(CASE WHEN c.oid IN (SELECT k.oid FROM locked k) OR c.reltoastrelid IN (SELECT k.oid FROM locked k)
                    THEN (greatest(c.relpages, 0)::bigint + coalesce(greatest(t.relpages, 0), 0))
                         * pg_catalog.current_setting('block_size')::bigint
                    ELSE pg_catalog.pg_table_size(c.oid) END) AS bytes,
           sum(greatest(c.reltuples, 0)) AS tuples, bool_or(c.reltuples < 0) AS unknown
    FROM leaf l
    JOIN pg_catalog.pg_class c ON c.oid = l.oid AND c.relkind = 'r'
    LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
    GROUP BY root
), wide AS (
    -- A value out of line counts as its pointer there; its chunks are rows of the TOAST table, of 1996 bytes.
    SELECT l.root, sum(c.reltuples * (w.bytes + greatest(t.reltuples, 0) * 1996 / c.reltuples)) / sum(c.reltuples) AS bytes
    FROM leaf l
    JOIN pg_catalog.pg_class c ON c.oid = l.oid AND c.relkind = 'r' AND c.reltuples > 0
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN (SELECT schemaname, tablename, sum(avg_width * (1 - null_frac)) AS bytes
          FROM pg_catalog.pg_stats WHERE NOT inherited GROUP BY schemaname, tablename) w
      ON w.schemaname = n.nspname AND w.tablename = c.relname
    LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
    GROUP BY l.root
)
SELECT o.oid, o.nspname, o.relname,
       pg_catalog.format('%I.%I', o.nspname, o.relname),
       o.relkind = 'p',
       o.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                   WHERE i.inhparent = o.oid OR i.inhrelid = o.oid),
       o.relpersistence = 'u',
       o.relrowsecurity,
       coalesce(s.bytes, 0)::bigint,
       CASE WHEN s.unknown THEN -1 ELSE coalesce(s.tuples, 0) END::bigint,
       w.bytes::bigint
FROM own o
LEFT JOIN sized s ON s.root = o.oid
LEFT JOIN wide w ON w.root = o.oid
ORDER BY o.nspname COLLATE "C", o.relname COLLATE "C"
