-- Settings of this session that are not as repl set them (replicator/pg/conn_open.c).
-- Reads: settings.   Writes: nothing.   Variables: none.
-- Returns: name, value.
SELECT w.name, pg_catalog.current_setting(w.name)
FROM (VALUES ('statement_timeout', '0'), ('default_transaction_read_only', 'off'), ('row_security', 'off'),
             ('search_path', 'pg_catalog')) AS w(name, value)
WHERE pg_catalog.current_setting(w.name) <> w.value
