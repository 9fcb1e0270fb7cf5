-- Triggers on the users' tables that call a function of repl's schema; clones on partitions go with their parents.
-- Reads: pg_trigger, pg_proc.   Variables: schema.   Returns: trigger, quoted table, schema, table, whether that is
-- partitioned; in table order.
SELECT g.tgname, pg_catalog.format('%I.%I', n.nspname, c.relname), n.nspname, c.relname, c.relkind = 'p' AS partitioned
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE f.nspname = :'schema' AND NOT g.tgisinternal AND g.tgparentid = 0
ORDER BY c.relispartition DESC, 2, 1
