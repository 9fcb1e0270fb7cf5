-- Body of a capture function, for statement-level triggers: the keys of all changed rows.
-- Reads: the transition table "changed", sequences side and bell (the table's).   Writes: the active delta table; may ring.
-- Variables: schema, side, bell (sequences), channel, delta_a, delta_b, id, keys (", c."id", ..."), only ("LIMIT 1"
-- without a key), from (" FROM changed c ", and only), relation (oid), numbers, types, names (of the key's columns, see
-- intact() in schema_keys.sql), role and sync_id (guard.sql).
BEGIN
    IF (:sql_capture_guard) THEN
        RETURN NULL;
    END IF;
    IF NOT :"schema".intact(:'relation'::pg_catalog.regclass, :'numbers', :'types', :'names') THEN
        BEGIN
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', 'c.',
                                        :'from');
        EXCEPTION WHEN OTHERS THEN
            PERFORM :"schema".miss(:id);
        END;
        PERFORM 1;
    ELSIF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :delta_a SELECT pg_catalog.txid_current():keys FROM changed c :only;
    ELSE
        INSERT INTO :delta_b SELECT pg_catalog.txid_current():keys FROM changed c :only;
    END IF;
    IF FOUND AND pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
