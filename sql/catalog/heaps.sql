-- What of the tables given is scanned: their leaves where they are partitioned, else each itself alone.
-- Reads: pg_class, pg_inherits, :sql_catalog_locked, the relations' sizes; waits for nobody's lock.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: table oid, oid, sql, filenode, blocks, bytes (both null where somebody has it locked); in table order, a
-- table's largest first.
WITH RECURSIVE tree(root, oid) AS (
    SELECT o, o FROM pg_catalog.unnest(:'oids'::pg_catalog.oid[]) o
    UNION ALL
    SELECT t.root, i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
), locked(oid) AS MATERIALIZED (
    -- Their sizes would be waited for, and rows could be missed beyond an estimate.
    SELECT l.oid FROM (:sql_catalog_locked) l WHERE l.mode = 'AccessExclusiveLock'
)
SELECT t.root, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_relation_filenode(c.oid),
       CASE WHEN x.free THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint END,
       CASE WHEN x.free THEN pg_catalog.pg_table_size(c.oid) END
FROM tree t
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid NOT IN (SELECT k.oid FROM locked k) AND c.reltoastrelid NOT IN (SELECT k.oid FROM locked k)) x(free)
ORDER BY 1, 6 DESC NULLS LAST, 2
