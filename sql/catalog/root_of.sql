-- The table that a relation belongs to: a partition's root, else itself. An error of a server names what it was writing to.
-- Reads: pg_class, pg_namespace; waits for no lock.
-- Variables: table (text): schema.name.
-- Returns: schema, name of the root; no row where there is no such relation.
SELECT rn.nspname, r.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN (:sql_catalog_roots) part ON part.oid = c.oid
JOIN pg_catalog.pg_class r ON r.oid = part.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE n.nspname || '.' || c.relname = :'table'
LIMIT 1
