-- How large the tables and materialized views are here, without indexes and TOAST; partitions one by one.
-- Reads: pg_class, pg_namespace.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: schema, name, bytes.
SELECT n.nspname, c.relname, coalesce(pg_catalog.pg_relation_size(c.oid), 0)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname <> :'own_schema' AND n.nspname <> 'pg_catalog'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_toast'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
