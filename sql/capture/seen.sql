-- How this database, or one that was copied from it, has captured given tables.
-- Reads: relation, pg_class, pg_inherits; pg_partition_tree would wait for partitions that are locked.
-- Variables: schema, oids (text: an array; the tables' on the source).
-- Returns in the order of oids: a table of that oid exists, it or a partition of it is unlogged, id (null: not
-- registered), installed_at (null: not captured), shape.
WITH RECURSIVE given AS (
    SELECT o.oid, o.n FROM pg_catalog.unnest(:'oids'::pg_catalog.oid[]) WITH ORDINALITY o(oid, n)
), tree(root, oid) AS (
    SELECT oid, oid FROM given
    UNION ALL
    SELECT t.root, i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), unlogged AS (
    SELECT DISTINCT t.root FROM tree t JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relpersistence = 'u'
)
SELECT c.oid IS NOT NULL, u.root IS NOT NULL, r.id, r.installed_at, :"schema".shape(o.oid)
FROM given o
LEFT JOIN pg_catalog.pg_class c ON c.oid = o.oid
LEFT JOIN unlogged u ON u.root = o.oid
LEFT JOIN :"schema".relation r ON r.relid = o.oid
ORDER BY o.n
