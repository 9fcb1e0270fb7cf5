-- For tables with a key: the old key of rows whose key changes. Writes: a trigger.
-- Variables: key (name), table, changed (a condition on OLD and NEW), function_old.
CREATE TRIGGER :key AFTER UPDATE ON :table FOR EACH ROW
    WHEN (:changed)
    EXECUTE FUNCTION :function_old();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :key;
