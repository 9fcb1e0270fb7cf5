-- The triggers of an ordinary table. Writes: the table's triggers, under a SHARE ROW EXCLUSIVE lock: no writer is in
-- flight, and from here on every change is captured.
-- Variables: table, prefix, sync_id, function_changed, function_old, function_truncate.
-- The guard knows repl's own sessions; ENABLE ALWAYS captures sessions in replica mode too.
CREATE TRIGGER :insert AFTER INSERT ON :table REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (pg_catalog.current_setting('repl.origin', true) IS DISTINCT FROM :'sync_id')
    EXECUTE FUNCTION :function_changed();
CREATE TRIGGER :update AFTER UPDATE ON :table REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (pg_catalog.current_setting('repl.origin', true) IS DISTINCT FROM :'sync_id')
    EXECUTE FUNCTION :function_changed();
CREATE TRIGGER :delete AFTER DELETE ON :table REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    WHEN (pg_catalog.current_setting('repl.origin', true) IS DISTINCT FROM :'sync_id')
    EXECUTE FUNCTION :function_changed();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :insert, ENABLE ALWAYS TRIGGER :update, ENABLE ALWAYS TRIGGER :delete;
