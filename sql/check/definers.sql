-- Functions and procedures that run as their owner, but those of extensions.
-- Reads: pg_proc, pg_namespace, pg_depend.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out.   Returns: owner, how many, the first few.
SELECT f.owner, pg_catalog.count(*),
       pg_catalog.array_to_string((pg_catalog.array_agg(f.routine ORDER BY f.routine))[1 : 5], ', ')
FROM (
    SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)) AS owner, pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
               pg_catalog.pg_get_function_identity_arguments(p.oid)) AS routine
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef
      AND n.nspname <> :'own_schema' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
) f
GROUP BY f.owner
ORDER BY f.owner
