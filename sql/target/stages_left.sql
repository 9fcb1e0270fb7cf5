-- Stages that an engine left behind which was killed in a large batch.
-- Reads: pg_class.   Variables: schema.   Returns: a statement that drops one, each.
SELECT pg_catalog.format('DROP TABLE %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :'schema' AND c.relkind = 'r' AND c.relname ~ '^stage_[0-9]+$'
