-- Whether a schema of that name is there, and whether it is repl's.
-- Reads: pg_namespace, pg_class, and the sync's id.   Variables: schema.
-- Returns: schema exists, it holds repl's table "sync".
SELECT pg_catalog.count(n.oid) > 0,
       pg_catalog.count(a.attname) > 0
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'sync' AND c.relkind = 'r'
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'sync_id'
WHERE n.nspname = :'schema'
