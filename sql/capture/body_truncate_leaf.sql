-- Body of a capture function, for TRUNCATE of one leaf of a partitioned table: its keys, before they are gone.
-- Reads: the leaf. Writes: the active delta table; may ring.
-- Variables: side, bell (sequences), channel, delta_a, delta_b, keys (", k1, ..."), only ("LIMIT 1" without a key).
DECLARE
    active text;
BEGIN
    active := CASE WHEN pg_catalog.pg_sequence_last_value(:'side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1
              THEN :'delta_a' ELSE :'delta_b' END;
    EXECUTE pg_catalog.format('INSERT INTO %s SELECT pg_catalog.txid_current()%s FROM ONLY %I.%I %s', active,
                              :'keys', TG_TABLE_SCHEMA, TG_TABLE_NAME, :'only');
    IF pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.setval(:'bell'::pg_catalog.regclass, 2);
        PERFORM pg_catalog.pg_notify(:'channel', '');
    END IF;
    RETURN NULL;
END
