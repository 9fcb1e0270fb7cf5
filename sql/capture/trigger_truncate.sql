-- TRUNCATE of a table. Writes: a trigger.   Variables: truncate (name), table, timing, function_truncate.
CREATE TRIGGER :truncate :timing TRUNCATE ON :table FOR EACH STATEMENT
    EXECUTE FUNCTION :function_truncate();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :truncate;
