-- The leaves of a partitioned table. Reads: pg_inherits.   Variables: table.   Returns: quoted name.
WITH RECURSIVE tree(oid) AS (
    SELECT :'table'::pg_catalog.regclass::pg_catalog.oid
    UNION ALL
    SELECT i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM tree t
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY 1
