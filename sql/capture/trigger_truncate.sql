-- TRUNCATE of a table. Writes: a trigger.   Variables: truncate (name), table, timing, sync_id, function_truncate.
CREATE TRIGGER :truncate :timing TRUNCATE ON :table FOR EACH STATEMENT
    WHEN (pg_catalog.current_setting('repl.origin', true) IS DISTINCT FROM :'sync_id')
    EXECUTE FUNCTION :function_truncate();
ALTER TABLE :table ENABLE ALWAYS TRIGGER :truncate;
