-- Tables that somebody could write and that no trigger of repl captures: excluded, or made since.
-- Reads: pg_class, pg_namespace, pg_depend, pg_stat_user_tables, repl's relation.   Writes: nothing.
-- Variables: own_schema: repl's schema.   Returns: quoted name, rows written since the statistics began.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid
JOIN (:sql_catalog_roots) part ON part.oid = c.oid AND part.root = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT (c.relkind = 'p' AND (c.relispartition OR c.oid IN (:sql_catalog_mixed))) AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', :'own_schema', :'own_schema' || '_back', pg_catalog.regexp_replace(:'own_schema', '_back$', ''))
  AND n.nspname !~ '^pg_toast'
  AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
  AND NOT EXISTS (SELECT FROM :"own_schema".relation r WHERE r.relid = c.oid AND r.installed_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2 DESC, 1
