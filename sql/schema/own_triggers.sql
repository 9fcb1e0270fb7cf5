-- The triggers that call a function of repl's schema, or of another sync's; clones on partitions too.
-- Reads: pg_trigger, pg_proc, pg_namespace.   Writes: nothing.
-- Variables: schema (text): repl's.
-- Returns: class, oid, as a dump's table of contents numbers objects.
SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass::oid, t.oid
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = :'schema'
   OR pg_catalog.obj_description(n.oid, 'pg_namespace') = 'made by repl, removed by repl cleanup'
