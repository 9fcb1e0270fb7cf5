-- What pg_dump must leave out: what this role may not read, since pg_dump locks every table that it describes; and what
-- repl made, for this sync or another.
-- Reads: pg_namespace, pg_class, pg_depend, pg_description.   Writes: nothing.
-- Variables: schema (repl's; that of the other direction goes with it, docs/fallback.md).
-- Returns: schema, table (null: the whole schema), why (null: it is this sync's own).
WITH own AS (
    SELECT n.oid, n.nspname, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable,
           pg_catalog.obj_description(n.oid, 'pg_namespace') = 'made by repl, removed by repl cleanup' IS TRUE AS repls,
           n.nspname IN (:'schema', :'schema' || '_back', pg_catalog.regexp_replace(:'schema', '_back$', '')) AS own
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
)
SELECT o.nspname, NULL::name, CASE WHEN o.own THEN NULL WHEN o.repls THEN 'made by repl for another sync'
                                   ELSE 'which this role may not read' END
FROM own o
WHERE NOT o.usable OR o.repls OR o.own
UNION ALL
SELECT o.nspname, c.relname, 'which this role may not read'
FROM own o
JOIN pg_catalog.pg_class c ON c.relnamespace = o.oid
WHERE o.usable AND NOT o.repls AND NOT o.own
  AND c.relkind IN ('r', 'p')
  AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.objsubid = 0 AND d.deptype = 'e')
ORDER BY 1, 2 NULLS FIRST
