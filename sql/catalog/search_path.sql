-- The search_path of the application's sessions, as any role on any server may take it: the schemas that a session of this role
-- has by default (role in database, else role, else database), those alone that are there, "$user" resolved. pg_catalog is
-- first, wherever it is named: what repl runs under this path, with every name of its own qualified, must mean the same.
-- Reads: pg_settings, current_schemas().   Writes: search_path, for the transaction.   Variables: none.
-- Returns, the last statement: one text.
SELECT pg_catalog.set_config('search_path', s.reset_val, true) FROM pg_catalog.pg_settings s
WHERE s.name OPERATOR(pg_catalog.=) 'search_path';
SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(u.name::text), ', ' ORDER BY u.n), 'pg_catalog')
FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY u(name, n)
WHERE u.name OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.name
