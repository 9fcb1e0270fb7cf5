-- How large some tables are.
-- Reads: pg_class, pg_inherits, pg_index, sizes.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid; partitions count with them.
-- Returns: tables (bytes, TOAST included), indexes, largest_index, database (bytes), heaps, number of indexes.
WITH RECURSIVE tree(oid) AS (
    SELECT unnest(:'oids'::pg_catalog.oid[])
    UNION
    SELECT i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), heap AS (
    SELECT t.oid FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind IN ('r', 'p')
), idx AS (
    SELECT coalesce(pg_catalog.pg_relation_size(i.indexrelid), 0) AS bytes
    FROM heap h JOIN pg_catalog.pg_index i ON i.indrelid = h.oid
)
SELECT (SELECT coalesce(sum(pg_catalog.pg_table_size(h.oid)), 0) FROM heap h)::bigint,
       (SELECT coalesce(sum(x.bytes), 0) FROM idx x)::bigint,
       (SELECT coalesce(max(x.bytes), 0) FROM idx x)::bigint,
       pg_catalog.pg_database_size(pg_catalog.current_database()),
       (SELECT count(*) FROM heap), (SELECT count(*) FROM idx)
