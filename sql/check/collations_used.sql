-- Collations of the system that columns name.
-- Reads: pg_attribute, pg_collation.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: one array of names, as text. User-made collations go over with the schema.
SELECT coalesce(pg_catalog.array_agg(DISTINCT c.collname::text), '{}')::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = ANY (:'oids'::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  AND c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.collprovider <> 'd'
