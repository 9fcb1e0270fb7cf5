-- Body of a capture function, for row-level triggers: the key of one row, NEW's or OLD's.
-- Reads: sequences side and bell (the table's).   Writes: the active delta table; may ring.
-- Variables: schema, side, bell (sequences), channel, delta_a, delta_b, id, row (NEW or OLD), keys (", NEW."id", ..."),
-- relation (oid), numbers, types, names (of the key's columns, see intact() in schema_keys.sql), role and sync_id
-- (guard.sql).
BEGIN
    IF (:sql_capture_guard) THEN
        RETURN NULL;
    END IF;
    IF NOT :"schema".intact(:'relation'::pg_catalog.regclass, :'numbers', :'types', :'names') THEN
        BEGIN
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', '($1).', '')
            USING :row;
        EXCEPTION WHEN OTHERS THEN
            PERFORM :"schema".miss(:id);
        END;
    ELSIF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :delta_a VALUES (pg_catalog.txid_current():keys);
    ELSE
        INSERT INTO :delta_b VALUES (pg_catalog.txid_current():keys);
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
