-- Whether the tables that this transaction wrote to by their names are those that they were when the catalogs were read; nobody
-- can rename them any more before it ends.
-- Reads: pg_class, by the names.   Variables: names, oids (arrays of the same length), each an expression.
-- Returns: one row; none where a name is another table's, or nobody's.
SELECT 1
WHERE NOT EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(:names::text[]), pg_catalog.unnest(:oids::pg_catalog.oid[])) AS k(name, oid)
                  WHERE pg_catalog.to_regclass(k.name)::pg_catalog.oid IS DISTINCT FROM k.oid)
