-- Which of some functions everybody may execute here, or will when they come.
-- Reads: pg_proc, pg_namespace.   Writes: nothing.
-- Variables: closed (text): what closed_functions.sql gave.
-- Returns: routine (as GRANT names it), roles (a list) that shall execute it.
SELECT w.routine, pg_catalog.array_to_string(w.roles, ', ')
FROM pg_catalog.jsonb_to_recordset(:'closed'::pg_catalog.jsonb) AS w(routine text, roles text[])
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL
      AND pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) = w.routine
      AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) a WHERE a.grantee = 0))
ORDER BY 1
