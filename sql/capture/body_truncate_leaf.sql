-- Body of a capture function, for TRUNCATE of one leaf of a partitioned table: its keys, before they are gone.
-- Reads: the leaf. Writes: the active delta table; may ring.
-- Variables: schema, bell (sequence), channel, id, only ("LIMIT 1" without a key), relation (oid of the root), numbers,
-- types (of the key's columns, see intact() in schema_keys.sql), role and sync_id (guard.sql).
-- With row_security off (function_row_security.sql): what a policy would hide, where it is forced on the owner, is missed, and
-- not passed over without a word.
BEGIN
    IF (:sql_capture_guard) THEN
        RETURN NULL;
    END IF;
    BEGIN
        EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', '',
                                    pg_catalog.format(' FROM ONLY %I.%I %s', TG_TABLE_SCHEMA, TG_TABLE_NAME, :'only'));
    EXCEPTION WHEN OTHERS THEN
        PERFORM :"schema".miss(:id);
    END;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
