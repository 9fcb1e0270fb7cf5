-- What this role may not read, so that pg_dump must leave it out: it locks every table that it describes.
-- Reads: pg_namespace, pg_class, pg_depend.   Writes: nothing.
-- Variables: none.
-- Returns: schema, table (null: the whole schema).
WITH own AS (
    SELECT n.oid, n.nspname, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
)
SELECT o.nspname, NULL::name
FROM own o
WHERE NOT o.usable
UNION ALL
SELECT o.nspname, c.relname
FROM own o
JOIN pg_catalog.pg_class c ON c.relnamespace = o.oid
WHERE o.usable
  AND c.relkind IN ('r', 'p')
  AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.objsubid = 0 AND d.deptype = 'e')
ORDER BY 1, 2 NULLS FIRST
