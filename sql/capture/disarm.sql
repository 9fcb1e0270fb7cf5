-- The statements that make every capture function do nothing. No table is locked: whoever writes next runs the new ones,
-- behind a fence too.
-- Reads: pg_proc, pg_namespace.   Writes: nothing.   Variables: schema.
-- Returns: the statements, how many functions there are.
SELECT coalesce(pg_catalog.string_agg(
           pg_catalog.format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END''',
                             n.nspname, p.proname), '; ' ORDER BY p.oid), ''),
       pg_catalog.count(*)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = :'schema' AND p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype AND p.pronargs = 0
