-- What of a table is scanned block by block: its leaves where it is partitioned, else itself alone.
-- Reads: pg_class, pg_inherits, the relations' sizes.   Writes: nothing.
-- Variables: oid (text).   Returns: oid, sql, filenode, blocks, bytes; largest first.
WITH RECURSIVE tree(oid) AS (
    SELECT :'oid'::pg_catalog.oid
    UNION ALL
    SELECT i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
)
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_relation_filenode(c.oid),
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint,
       pg_catalog.pg_table_size(c.oid)
FROM tree t
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY 5 DESC, 1
