-- What some tables have that slows a load: what must be kept with each row.
-- Reads: pg_class, pg_index, pg_constraint, pg_trigger, pg_inherits.   Writes: nothing.
-- Variables: oids (text): an array.
-- Returns one row: tables (that have some), indexes (but primary keys), names (of the first twenty), foreign_keys,
-- triggers, foreign (tables that this role does not own, so that ANALYZE passes over them; the first twenty).
WITH RECURSIVE t(oid) AS ( -- pg_partition_tree would wait for partitions that are locked
    SELECT pg_catalog.unnest(:'oids'::pg_catalog.oid[])
    UNION
    SELECT i.inhrelid
    FROM t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), i AS (
    SELECT i.indrelid, i.indexrelid::pg_catalog.regclass::text AS name
    FROM t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisprimary AND c.relkind = 'i'
)
SELECT (SELECT count(DISTINCT indrelid) FROM i), (SELECT count(*) FROM i),
       (SELECT coalesce(pg_catalog.string_agg(x.name, ', ' ORDER BY x.name), '') FROM (SELECT name FROM i ORDER BY 1 LIMIT 20) x),
       (SELECT count(*) FROM pg_catalog.pg_constraint k JOIN t ON t.oid = k.conrelid WHERE k.contype = 'f' AND k.conparentid = 0),
       (SELECT count(*) FROM pg_catalog.pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal),
       (SELECT coalesce(pg_catalog.string_agg(x.name, ', ' ORDER BY x.name), '')
        FROM (SELECT c.oid::pg_catalog.regclass::text AS name
              FROM t JOIN pg_catalog.pg_class c ON c.oid = t.oid
              WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY 1 LIMIT 20) x)
