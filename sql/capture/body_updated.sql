-- Body of a capture function, for a statement-level trigger on UPDATE: the new keys of all changed rows, and the old ones
-- where keys changed. Of one row the two keys are compared, of more a sum over hashes of the keys before and after: an exact
-- comparison would take memory for all of them, and a trigger that names the columns of the key would make the server
-- refuse to drop or retype them (docs/capture.md).
-- Reads: the transition tables "changed" and "was", sequences side and bell. Writes: the active delta table; may ring.
-- Variables: schema, side, bell (sequences), channel, delta_a, delta_b, id, keys (", c."id", ..."), same_one and same_all
-- (whether the keys stayed what they were), relation (oid), numbers, types, names (of the key's columns, see intact() in
-- schema.sql), sync_id: what repl's own sessions have as repl.origin; they are not captured.
DECLARE
    n bigint;
    differ boolean;
BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) :'sync_id' THEN
        RETURN NULL;
    END IF;
    IF NOT :"schema".intact(:'relation'::pg_catalog.regclass, :'numbers', :'types', :'names') THEN
        BEGIN
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', 'c.',
                                        ' FROM changed c');
            EXECUTE :"schema".insertion(:id, :'relation'::pg_catalog.regclass, :'numbers', :'types', 'c.',
                                        ' FROM was c');
        EXCEPTION WHEN OTHERS THEN
            PERFORM :"schema".miss(:id);
        END;
    ELSE
        IF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
            INSERT INTO :delta_a SELECT pg_catalog.txid_current():keys FROM changed c;
        ELSE
            INSERT INTO :delta_b SELECT pg_catalog.txid_current():keys FROM changed c;
        END IF;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 0 THEN
            RETURN NULL;
        ELSIF n OPERATOR(pg_catalog.=) 1 THEN
            differ := (:same_one) IS NOT TRUE;
        ELSE
            differ := (:same_all) IS NOT TRUE;
        END IF;
        IF NOT differ THEN
            NULL;
        ELSIF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
            INSERT INTO :delta_a SELECT pg_catalog.txid_current():keys FROM was c;
        ELSE
            INSERT INTO :delta_b SELECT pg_catalog.txid_current():keys FROM was c;
        END IF;
    END IF;
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.setval(:'bell'::pg_catalog.regclass, 2);
        PERFORM pg_catalog.pg_notify(:'channel', '');
    END IF;
    RETURN NULL;
END
