-- Tables that a user could replicate, in schema and name order.
-- Reads: pg_class, pg_namespace, pg_inherits, pg_depend.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out as that of the other direction (docs/fallback.md) and those of other
-- syncs are.
-- Returns: oid, schema, name, sql, partitioned, inherited, unlogged, row_security, bytes, rows_estimate.
WITH RECURSIVE own AS (
    SELECT c.oid, c.relname, c.relnamespace, n.nspname, c.relkind, c.relpersistence, c.relrowsecurity,
           c.reltuples
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p')
      AND NOT c.relispartition
      AND c.relpersistence <> 't'
      AND n.nspname NOT IN (:'own_schema', :'own_schema' || '_back', pg_catalog.regexp_replace(:'own_schema', '_back$', ''))
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                        AND d.objsubid = 0 AND d.deptype = 'e')
), leaf(root, oid) AS (
    SELECT oid, oid FROM own WHERE relkind = 'p'
    UNION ALL
    SELECT l.root, i.inhrelid FROM leaf l JOIN pg_catalog.pg_inherits i ON i.inhparent = l.oid
), sized AS (
    SELECT root, sum(pg_catalog.pg_table_size(l.oid)) AS bytes,
           sum(greatest(c.reltuples, 0)) AS tuples, bool_or(c.reltuples < 0) AS unknown
    FROM leaf l JOIN pg_catalog.pg_class c ON c.oid = l.oid
    WHERE c.relkind = 'r'
    GROUP BY root
)
SELECT o.oid, o.nspname, o.relname,
       pg_catalog.format('%I.%I', o.nspname, o.relname),
       o.relkind = 'p',
       o.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                   WHERE i.inhparent = o.oid OR i.inhrelid = o.oid),
       o.relpersistence = 'u',
       o.relrowsecurity,
       CASE WHEN o.relkind = 'p' THEN coalesce(s.bytes, 0)
            ELSE coalesce(pg_catalog.pg_table_size(o.oid), 0) END::bigint,
       CASE WHEN o.relkind = 'r' THEN o.reltuples
            WHEN s.unknown THEN -1
            ELSE coalesce(s.tuples, 0) END::bigint
FROM own o
LEFT JOIN sized s ON s.root = o.oid
ORDER BY o.nspname COLLATE "C", o.relname COLLATE "C"
