-- How large some tables are.
-- Reads: pg_class, pg_inherits, pg_index, :sql_catalog_locked, sizes; waits for nobody's lock.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid; partitions count with them.
-- Returns: tables (bytes, TOAST included), indexes, largest_index, database (bytes), heaps, number of indexes.
WITH RECURSIVE tree(oid) AS (
    SELECT unnest(:'oids'::pg_catalog.oid[])
    UNION
    SELECT i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), locked(oid) AS MATERIALIZED (
    -- Who asks for the size of a table that is locked so, or about to be, waits: of these it is what statistics say.
    SELECT l.oid FROM (:sql_catalog_locked) l WHERE l.mode = 'AccessExclusiveLock'
), heap AS (
    SELECT t.oid, CASE WHEN c.oid IN (SELECT k.oid FROM locked k) OR c.reltoastrelid IN (SELECT k.oid FROM locked k)
                       THEN (greatest(c.relpages, 0)::bigint + coalesce(greatest(x.relpages, 0), 0))
                            * pg_catalog.current_setting('block_size')::bigint
                       ELSE pg_catalog.pg_table_size(c.oid) END AS bytes
    FROM tree t
    JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind IN ('r', 'p')
    LEFT JOIN pg_catalog.pg_class x ON x.oid = c.reltoastrelid
), idx AS (
    SELECT CASE WHEN c.oid IN (SELECT k.oid FROM locked k)
                THEN greatest(c.relpages, 0)::bigint * pg_catalog.current_setting('block_size')::bigint
                ELSE coalesce(pg_catalog.pg_relation_size(c.oid), 0) END AS bytes
    FROM heap h
    JOIN pg_catalog.pg_index i ON i.indrelid = h.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
)
SELECT (SELECT coalesce(sum(h.bytes), 0) FROM heap h)::bigint,
       (SELECT coalesce(sum(x.bytes), 0) FROM idx x)::bigint,
       (SELECT coalesce(max(x.bytes), 0) FROM idx x)::bigint,
       pg_catalog.pg_database_size(pg_catalog.current_database()),
       (SELECT count(*) FROM heap), (SELECT count(*) FROM idx)
