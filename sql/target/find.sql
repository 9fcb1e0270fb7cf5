-- Whether the schema is there, and whether it is that of a target: repl's with a position.
-- Reads: pg_namespace, pg_class.   Variables: schema.   Returns: schema exists, it is a target's.
SELECT pg_catalog.count(n.oid) > 0, pg_catalog.count(c.oid) > 0
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'position' AND c.relkind = 'r'
WHERE n.nspname = :'schema'
