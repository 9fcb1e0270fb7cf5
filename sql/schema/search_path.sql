-- The search_path that sessions of this role have here by default, as it is set; repl's own sessions have another.
-- Reads: pg_settings.   Writes: nothing.
-- Variables: none.
-- Returns: one text.
SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'search_path'
