-- Tables with a unique index under a nondeterministic collation.
-- Reads: pg_index, pg_collation, pg_class.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: label; in name order.
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (:'oids'::pg_catalog.oid[])
  AND EXISTS (SELECT FROM pg_catalog.pg_index i, unnest(i.indcollation::pg_catalog.oid[]) AS x(oid)
              JOIN pg_catalog.pg_collation l ON l.oid = x.oid
              WHERE i.indrelid = c.oid AND i.indisunique AND NOT l.collisdeterministic)
ORDER BY 1
