-- Body of a capture function, for row-level triggers: the key of one row, NEW's or OLD's.
-- Reads: sequences side and bell.   Writes: the active delta table; may ring.
-- Variables: side, bell (sequences), channel, delta_a, delta_b, keys (", NEW.k1, ..."), sync_id (what repl's own
-- sessions have as repl.origin).
BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) :'sync_id' THEN
        RETURN NULL;
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :delta_a VALUES (pg_catalog.txid_current():keys);
    ELSE
        INSERT INTO :delta_b VALUES (pg_catalog.txid_current():keys);
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.setval(:'bell'::pg_catalog.regclass, 2);
        PERFORM pg_catalog.pg_notify(:'channel', '');
    END IF;
    RETURN NULL;
END
