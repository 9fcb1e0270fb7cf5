-- Which of the rights that roles have elsewhere they would not have here.
-- Reads: pg_roles, pg_class, pg_attribute, pg_namespace.   Writes: nothing.
-- Variables: wanted (text): what grants.sql gave.
-- Returns: role (quoted), the role is here, kind, label, sql, rights (a list, as GRANT takes it); by role, kind and
-- label. What is not here yet will come without rights for anybody.
WITH missing AS (
    SELECT w.role, r.oid, w.kind, w.schema, w.name, p.name AS "right",
           string_agg(pg_catalog.quote_ident(w."column"), ', ' ORDER BY w."column") AS columns
    FROM pg_catalog.jsonb_to_recordset(:'wanted'::pg_catalog.jsonb)
             AS w(role text, kind text, schema text, name text, "column" text, rights text[])
    CROSS JOIN LATERAL unnest(w.rights) AS p(name)
    LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND w.name <> ''
    LEFT JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND t.attname = w."column" AND NOT t.attisdropped
    WHERE NOT CASE WHEN r.oid IS NULL OR n.oid IS NULL OR (c.oid IS NULL AND w.name <> '') THEN false
                   WHEN w.kind = 'SCHEMA' THEN pg_catalog.has_schema_privilege(r.oid, n.oid, p.name)
                   WHEN w.kind = 'SEQUENCE' AND c.relkind = 'S'
                   THEN pg_catalog.has_sequence_privilege(r.oid, c.oid, p.name)
                   WHEN w.kind = 'TABLE' AND c.relkind <> 'S'
                   THEN pg_catalog.has_table_privilege(r.oid, c.oid, p.name)
                   WHEN w.kind = 'COLUMN' AND t.attnum IS NOT NULL
                   THEN pg_catalog.has_column_privilege(r.oid, c.oid, t.attnum, p.name)
                   ELSE false END
    GROUP BY w.role, r.oid, w.kind, w.schema, w.name, p.name
)
SELECT pg_catalog.quote_ident(role), oid IS NOT NULL, kind,
       schema || CASE WHEN name <> '' THEN '.' || name ELSE '' END,
       pg_catalog.quote_ident(schema) || CASE WHEN name <> '' THEN '.' || pg_catalog.quote_ident(name) ELSE '' END,
       string_agg("right" || CASE WHEN kind = 'COLUMN' THEN ' (' || columns || ')' ELSE '' END, ', ' ORDER BY "right")
FROM missing
GROUP BY role, oid, kind, schema, name
ORDER BY role, kind, schema, name
