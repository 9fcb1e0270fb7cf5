-- Functions and procedures that not everybody may execute, which pg_dump --no-acl would open to everybody.
-- Reads: pg_proc, pg_namespace, pg_depend, pg_roles.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out.
-- Returns: one JSON array of objects: routine (as GRANT names it), roles (an array, quoted): who may besides the owner.
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('routine', f.routine, 'roles', f.roles)
                                     ORDER BY f.routine), '[]')::text
FROM (
    SELECT pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS routine,
           array(SELECT pg_catalog.quote_ident(r.rolname)
                 FROM pg_catalog.aclexplode(p.proacl) a
                 JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
                 WHERE a.grantee <> p.proowner AND NOT r.rolsuper
                 ORDER BY 1) AS roles
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> :'own_schema' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND p.proacl IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) a WHERE a.grantee = 0)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
) f
