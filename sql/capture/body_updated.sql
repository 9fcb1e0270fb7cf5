-- Body of a capture function, for a statement-level trigger on UPDATE: the new keys of all changed rows, and the old ones
-- where keys changed. Of one row the two keys are compared; of more a sum over hashes of the keys before and after: an exact
-- comparison would take memory for all of them. A trigger that names the columns of the key would make the server refuse to
-- drop or retype them (docs/capture.md).
-- Reads: the transition tables "changed" and "was", sequences side and bell (the table's). Writes: the active delta table; may ring.
-- Variables: schema, side, bell (sequences), channel, delta_a, delta_b, id, keys (", c."id", ..."), old_keys (", w."id", ..."),
-- same (a condition on w and c), same_all (whether the keys stayed what they were, by their hashes), relation (oid), numbers,
-- types, names (of the key's columns, see intact() in schema_keys.sql), role and sync_id
-- (guard.sql).
DECLARE
    n bigint;
BEGIN
    IF (:sql_capture_guard) THEN
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
        n := 1;
    ELSIF pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO :delta_a SELECT pg_catalog.txid_current():keys FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (:same) IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO :delta_a SELECT pg_catalog.txid_current():old_keys FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO :delta_a SELECT pg_catalog.txid_current():old_keys FROM was w WHERE (:same_all) IS NOT TRUE;
        END IF;
    ELSE
        INSERT INTO :delta_b SELECT pg_catalog.txid_current():keys FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (:same) IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO :delta_b SELECT pg_catalog.txid_current():old_keys FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO :delta_b SELECT pg_catalog.txid_current():old_keys FROM was w WHERE (:same_all) IS NOT TRUE;
        END IF;
    END IF;
    IF n OPERATOR(pg_catalog.>) 0
       AND pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
    END IF;
    RETURN NULL;
END
