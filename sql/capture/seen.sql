-- How this database, or one that was copied from it, has captured given tables.
-- Reads: relation, the catalog.   Variables: schema, oids (text: an array; the tables' on the source).
-- Returns in the order of oids: a table of that oid exists, it or a partition of it is unlogged, id (null: not
-- registered), installed_at (null: not captured), shape.
SELECT c.oid IS NOT NULL,
       c.relpersistence = 'u' OR EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) t
                                         JOIN pg_catalog.pg_class p ON p.oid = t.relid AND p.relpersistence = 'u'),
       r.id, r.installed_at, :"schema".shape(o.oid)
FROM pg_catalog.unnest(:'oids'::pg_catalog.oid[]) WITH ORDINALITY o(oid, n)
LEFT JOIN pg_catalog.pg_class c ON c.oid = o.oid
LEFT JOIN :"schema".relation r ON r.relid = o.oid
ORDER BY o.n
