-- The triggers of a partitioned table or of one in an inheritance tree: row-level, since a statement on a parent
-- fires the parent's statement triggers alone. PostgreSQL clones them to partitions, later ones too.
-- Writes: the table's triggers, under a SHARE ROW EXCLUSIVE lock.   Variables: as in triggers_statement.sql, and
-- function_old. No WHEN here either: it would be prepared at every statement, and the function asks all the same.
CREATE TRIGGER :insert AFTER INSERT ON :table FOR EACH ROW
    EXECUTE FUNCTION :function_changed();
CREATE TRIGGER :update AFTER UPDATE ON :table FOR EACH ROW
    EXECUTE FUNCTION :function_updated();
CREATE TRIGGER :delete AFTER DELETE ON :table FOR EACH ROW
    EXECUTE FUNCTION :function_old();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :insert, ENABLE ALWAYS TRIGGER :update, ENABLE ALWAYS TRIGGER :delete;
