-- Body of a capture function, for TRUNCATE. Writes: the active truncation table; may ring.
-- Variables: side, bell (sequences), channel, truncation_a, truncation_b, id.
BEGIN
    IF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :truncation_a VALUES (:id, pg_catalog.txid_current());
    ELSE
        INSERT INTO :truncation_b VALUES (:id, pg_catalog.txid_current());
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.setval(:'bell'::pg_catalog.regclass, 2);
        PERFORM pg_catalog.pg_notify(:'channel', '');
    END IF;
    RETURN NULL;
END
