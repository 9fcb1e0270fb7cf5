-- Body of a capture function, for TRUNCATE. Writes: the active truncation table; may ring.
-- Variables: schema, side, bell (the table's; sequences), channel, truncation_a, truncation_b, id, role and sync_id
-- (guard.sql).
BEGIN
    IF (:sql_capture_guard) THEN
        RETURN NULL;
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :truncation_a VALUES (:id, pg_catalog.txid_current());
    ELSE
        INSERT INTO :truncation_b VALUES (:id, pg_catalog.txid_current());
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
