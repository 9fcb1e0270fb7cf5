-- Foreign keys that are there, and of which nobody has looked whether they hold.
-- Reads: pg_constraint, pg_class, pg_namespace.   Writes: nothing.
-- Variables: none.
-- Returns: schema, table, name.
SELECT n.nspname, c.relname, k.conname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND NOT k.convalidated AND k.conparentid = 0
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"
