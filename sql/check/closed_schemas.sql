-- Schemas in which this role may not make tables.
-- Reads: pg_namespace.   Writes: nothing.
-- Variables: none.
-- Returns: schema, quoted schema.
SELECT n.nspname, pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_namespace n
WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   OR NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
