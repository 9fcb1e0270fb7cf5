-- Which roles own or may use what, other than the role that asks.
-- Reads: pg_class, pg_attribute, pg_namespace, pg_depend.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out.
-- Returns: one JSON array of objects: role, kind (TABLE, SEQUENCE, SCHEMA, COLUMN), schema, name, column, rights (an
-- array).
-- Owners hold every right. Rights of PUBLIC, of predefined roles and of superusers are no business of a migration.
WITH spaces AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname <> :'own_schema' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                      WHERE x.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND x.objid = n.oid
                        AND x.deptype = 'e')
), granted AS (
    SELECT a.grantee, 'SCHEMA' AS kind, s.nspname AS schema, '' AS name, '' AS "column", a.privilege_type
    FROM spaces s, pg_catalog.aclexplode(coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a
    UNION ALL
    SELECT a.grantee, CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, s.nspname, c.relname, '',
           a.privilege_type
    FROM spaces s
    JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                     WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = c.oid
                       AND x.objsubid = 0 AND x.deptype = 'e'),
    LATERAL pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault(
        CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
    UNION ALL
    SELECT a.grantee, 'COLUMN', s.nspname, c.relname, t.attname, a.privilege_type
    FROM spaces s
    JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped,
    LATERAL pg_catalog.aclexplode(t.attacl) a
), wanted AS (
    SELECT r.rolname AS role, g.kind, g.schema, g.name, g."column", pg_catalog.array_agg(DISTINCT g.privilege_type) AS rights
    FROM granted g
    JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
    WHERE r.rolname <> current_user AND NOT r.rolsuper AND r.rolname NOT LIKE 'pg\_%'
      AND g.privilege_type <> 'MAINTAIN'
    GROUP BY 1, 2, 3, 4, 5
)
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(w)), '[]')::text
FROM wanted w
