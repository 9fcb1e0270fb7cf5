-- The indexes of the target.
-- Reads: pg_index, pg_class, pg_namespace, pg_constraint.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: schema, name, sql (quoted and qualified), broken (nobody will make it valid any more: a CREATE INDEX
-- CONCURRENTLY that failed), bare (no constraint has it).
SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind = 'i' AND NOT i.indisvalid,
       NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                   WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> :'own_schema' AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_toast'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
