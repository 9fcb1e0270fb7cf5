-- How large the tables and materialized views are here, without indexes and TOAST; partitions one by one.
-- Reads: pg_class, pg_namespace, :sql_catalog_locked; waits for nobody's lock.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: schema, name, bytes.
WITH locked(oid) AS MATERIALIZED (
    -- Of those that somebody has locked it is what statistics say.
    SELECT l.oid FROM (:sql_catalog_locked) l WHERE l.mode = 'AccessExclusiveLock'
)
SELECT n.nspname, c.relname,
       CASE WHEN c.oid IN (SELECT k.oid FROM locked k)
            THEN greatest(c.relpages, 0)::bigint * pg_catalog.current_setting('block_size')::bigint
            ELSE coalesce(pg_catalog.pg_relation_size(c.oid), 0) END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname <> :'own_schema' AND n.nspname <> 'pg_catalog'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_toast'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
