-- The triggers of an ordinary table. Writes: the table's triggers, under a SHARE ROW EXCLUSIVE lock: no writer is in
-- flight, and from here on every change is captured.
-- Variables: table, insert, update, delete (names), function_changed, function_updated, was ("OLD TABLE AS was" where the
-- table has a key).
-- The guard (guard.sql) that knows repl's own sessions stands in the function: a WHEN is read from its text at every statement, which
-- cost more than the capture of a row. ENABLE ALWAYS captures sessions in replica mode too.
CREATE TRIGGER :insert AFTER INSERT ON :table REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION :function_changed();
CREATE TRIGGER :update AFTER UPDATE ON :table REFERENCING NEW TABLE AS changed :was FOR EACH STATEMENT
    EXECUTE FUNCTION :function_updated();
CREATE TRIGGER :delete AFTER DELETE ON :table REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION :function_changed();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :insert, ENABLE ALWAYS TRIGGER :update, ENABLE ALWAYS TRIGGER :delete;
