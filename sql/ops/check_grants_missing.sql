-- Which of the rights that roles have elsewhere they would not have here.
-- Reads: pg_roles, pg_class, pg_namespace.   Writes: nothing.
-- Variables: wanted (text): what check_grants.sql gave.
-- Returns: role (quoted), the role is here, kind, label, sql, rights (a list); by role, kind and label. What is not here
-- yet will come without rights for anybody.
SELECT pg_catalog.quote_ident(w.role), r.oid IS NOT NULL, w.kind,
       w.schema || CASE WHEN w.name <> '' THEN '.' || w.name ELSE '' END,
       pg_catalog.quote_ident(w.schema) || CASE WHEN w.name <> '' THEN '.' || pg_catalog.quote_ident(w.name) ELSE '' END,
       pg_catalog.string_agg(p.name, ', ' ORDER BY p.name)
FROM pg_catalog.jsonb_to_recordset(:'wanted'::pg_catalog.jsonb)
         AS w(role text, kind text, schema text, name text, rights text[])
CROSS JOIN LATERAL unnest(w.rights) AS p(name)
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND w.name <> ''
WHERE NOT CASE WHEN r.oid IS NULL OR n.oid IS NULL OR (c.oid IS NULL AND w.name <> '') THEN false
               WHEN w.kind = 'SCHEMA' THEN pg_catalog.has_schema_privilege(r.oid, n.oid, p.name)
               WHEN w.kind = 'SEQUENCE' AND c.relkind = 'S'
               THEN pg_catalog.has_sequence_privilege(r.oid, c.oid, p.name)
               WHEN w.kind = 'TABLE' AND c.relkind <> 'S'
               THEN pg_catalog.has_table_privilege(r.oid, c.oid, p.name)
               ELSE false END
GROUP BY w.role, r.oid, w.kind, w.schema, w.name
ORDER BY w.role, w.kind, w.schema, w.name
