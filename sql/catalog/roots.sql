-- Which table a relation is part of, as far as repl is concerned: a partition of its root, any other one of itself; and so a
-- partition of a table that has foreign tables among its partitions (mixed.sql). Taken in by others as a subquery.
-- Reads: pg_class.   Variables: none.   Returns: oid, root.
SELECT c.oid,
       CASE WHEN c.relispartition
                 AND pg_catalog.pg_partition_root(c.oid) NOT IN (
                     SELECT pg_catalog.pg_partition_root(f.oid) FROM pg_catalog.pg_class f
                     WHERE f.relkind = 'f' AND f.relispartition AND pg_catalog.pg_partition_root(f.oid) IS NOT NULL)
            THEN pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid ELSE c.oid END AS root
FROM pg_catalog.pg_class c
