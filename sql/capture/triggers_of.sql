-- Tables on which a trigger calls a function that was made for one captured table, its clones on partitions aside.
-- Reads: pg_trigger, pg_proc.   Variables: schema, id.   Returns: quoted table.
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE f.nspname = :'schema' AND p.proname LIKE 'd' || :'id' || '\_%' AND NOT g.tgisinternal
  AND c.relkind <> 'f' -- LOCK TABLE takes none; as a partition it is locked with its root
