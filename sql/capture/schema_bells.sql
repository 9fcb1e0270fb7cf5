-- The doorbell, by which a writer wakes the engine.
-- Writes: functions of capture's schema.   Variables: schema.

-- A writer that finds its table's bell, which a few tables share, not rung. Awake tables ring at the door where the engine
-- waits behind it, those that were asleep say that they woke as well: first, so that the count stands before anybody finds the bell rung.
CREATE FUNCTION :"schema".ring(own pg_catalog.regclass, channel text) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    IF pg_sequence_last_value(own) = 3 THEN
        PERFORM nextval('woken');
    END IF;
    PERFORM setval(own, 2);
    IF pg_sequence_last_value('bell') = 1 THEN
        PERFORM setval('bell', 2);
        PERFORM pg_notify(channel, '');
    END IF;
END $$;

-- Arms the doorbell and then the bells of the tables watched (null: of all); tells whether nobody had rung. Its
-- durability does not matter: a new engine arms anew.
-- Where transactions can be prepared it stays silent and null is returned, since one that notifies cannot be prepared;
-- unless anyway: whoever says so knows that the application prepares none.
CREATE FUNCTION :"schema".arm(anyway boolean, watched int[]) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    armed boolean := pg_sequence_last_value('bell') = 1;
BEGIN
    IF NOT anyway AND current_setting('max_prepared_transactions')::int > 0 THEN
        IF armed THEN
            PERFORM setval('bell', 2);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    IF NOT armed THEN
        PERFORM setval('bell', 1);
    END IF;
    PERFORM setval(bell, 1) FROM (SELECT DISTINCT bell FROM asked(watched)) b WHERE pg_sequence_last_value(bell) = 2;
    RETURN armed;
END $$;

-- Puts all tables to sleep but those to keep, and who shares a bell with them. Returns how often one had woken by then, and the transaction that all
-- come behind who cannot have seen a bell as it was before.
CREATE FUNCTION :"schema".lull(keep int[], OUT woken_then bigint, OUT horizon bigint) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    -- A bell that a crash set back to rung would be silent.
    PERFORM set_config('synchronous_commit', 'on', true);
    PERFORM setval(bell, 3) FROM (SELECT bell FROM asked(NULL) EXCEPT SELECT bell FROM asked(keep)) b
    WHERE pg_sequence_last_value(bell) <> 3;
    SELECT pg_sequence_last_value('woken') INTO woken_then;
    SELECT txid_snapshot_xmax(txid_current_snapshot()) INTO horizon;
END $$;

-- The tables that are awake, or hold delta rows, once all transactions before the horizon have ended; until then null.
-- Whatever is written to any other table from now on wakes it.
CREATE FUNCTION :"schema".awake(horizon bigint) RETURNS SETOF int LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    IF txid_snapshot_xmin(txid_current_snapshot()) < horizon THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;
    RETURN QUERY SELECT id FROM asked(NULL) WHERE bell IN (SELECT b.bell FROM (SELECT DISTINCT a.bell FROM asked(NULL) a) b
                                                           WHERE pg_sequence_last_value(b.bell) <> 3)
                 UNION SELECT dirty(NULL);
END $$;
