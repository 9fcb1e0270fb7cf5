-- Which of some roles a server lacks.
-- Reads: pg_roles.   Writes: nothing.
-- Variables: roles (text): an array of names.
-- Returns: name (quoted).
SELECT pg_catalog.quote_ident(w.name)
FROM unnest(:'roles'::text[]) AS w(name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = w.name)
ORDER BY 1
