-- Body of a capture function, for a row-level trigger on UPDATE: the new key of the row, and the old one where it differs.
-- Reads: sequences side and bell (the table's).   Writes: the active delta table; may ring.
-- Variables: schema, side, bell (sequences), channel, delta_a, delta_b, id, keys (", NEW."id""), old_keys (", OLD."id""),
-- same (a condition on OLD and NEW), relation (oid), numbers, types, names (of the key's columns, see intact() in
-- schema.sql), role and sync_id (guard.sql).
BEGIN
    IF (:sql_capture_guard) THEN
        RETURN NULL;
    END IF;
    IF NOT :"schema".intact(:'relation'::pg_catalog.regclass, :'numbers', :'types', :'names') THEN
        BEGIN
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', '($1).', '')
            USING NEW;
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', '($1).', '')
            USING OLD;
        EXCEPTION WHEN OTHERS THEN
            PERFORM :"schema".miss(:id);
        END;
    ELSIF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :delta_a VALUES (pg_catalog.txid_current():keys);
        IF (:same) IS NOT TRUE THEN
            INSERT INTO :delta_a VALUES (pg_catalog.txid_current():old_keys);
        END IF;
    ELSE
        INSERT INTO :delta_b VALUES (pg_catalog.txid_current():keys);
        IF (:same) IS NOT TRUE THEN
            INSERT INTO :delta_b VALUES (pg_catalog.txid_current():old_keys);
        END IF;
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
