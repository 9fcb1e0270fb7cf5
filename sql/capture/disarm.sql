-- The statements that make every capture function do nothing. No table is locked: whoever writes next runs the new ones,
-- behind a fence too.
-- Reads: pg_proc, pg_namespace, pg_class.   Writes: nothing.   Variables: schema, cleaned (the state of a cutover from then on).
-- Returns: the statements, how many functions there are, the statement that ends the state of the cutover ("": there is none).
SELECT coalesce(pg_catalog.string_agg(
           pg_catalog.format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END''',
                             n.nspname, p.proname), '; ' ORDER BY p.oid), ''),
       pg_catalog.count(*),
       coalesce((SELECT pg_catalog.format('UPDATE %I.%I SET state = %L, since = pg_catalog.clock_timestamp();', s.nspname, c.relname, :'cleaned')
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
                 WHERE s.nspname = :'schema' AND c.relname = 'cutover' AND c.relkind = 'r'), '')
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = :'schema' AND p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype AND p.pronargs = 0
