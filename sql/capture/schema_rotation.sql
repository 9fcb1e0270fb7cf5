-- Deltas that are covered go, by TRUNCATE of the side that nobody writes.
-- Writes: functions of capture's schema.   Variables: schema.

-- Truncates the inactive side of one table's deltas where the position (null: nothing) covers every row of it: that of the
-- target in the slot, which committed that batch behind the logged write of that number. Never waits for a writer: one
-- that is still in flight there keeps it for the next time.
CREATE FUNCTION :"schema".trim(relation_id int, given_position text, slot_id int, known_epoch bigint, number bigint,
                             batch bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    at txid_snapshot := nullif(given_position, '')::txid_snapshot;
    inactive regclass := to_regclass(format('d%s_%s', relation_id,
                                            CASE WHEN pg_sequence_last_value('side'::regclass) = 1 THEN 'b' ELSE 'a' END));
    uncovered boolean;
BEGIN
    IF at IS NULL OR inactive IS NULL OR pg_relation_size(inactive) = 0 THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE NOT txid_visible_in_snapshot(xid, $1))', inactive)
    INTO uncovered USING at;
    IF uncovered THEN
        RETURN false;
    END IF;
    BEGIN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', inactive);
    EXCEPTION WHEN lock_not_available THEN
        RETURN false;
    END;
    -- Nobody is in flight there now; look again, for those who committed since the first look.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE NOT txid_visible_in_snapshot(xid, $1))', inactive)
    INTO uncovered USING at;
    IF uncovered OR NOT rely(slot_id, known_epoch, number, batch) THEN
        RETURN false;
    END IF;
    EXECUTE format('TRUNCATE %s', inactive);
    RETURN true;
END $$;

-- The same for the inactive side of the TRUNCATEs of all tables. Tables in own_ids are at own_positions.
CREATE FUNCTION :"schema".trim_truncations(given_position text, own_ids int[], own_positions text[], slot_id int,
                                           known_epoch bigint, number bigint, batch bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    inactive regclass := CASE WHEN pg_sequence_last_value('side'::regclass) = 1 THEN 'truncation_b'
                              ELSE 'truncation_a' END;
    uncovered boolean;
BEGIN
    IF pg_relation_size(inactive) = 0 THEN
        RETURN false;
    END IF;
    BEGIN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', inactive);
    EXCEPTION WHEN lock_not_available THEN
        RETURN false;
    END;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s t, LATERAL (SELECT nullif(CASE'
                   ' WHEN t.relation = ANY ($2) THEN ($3)[array_position($2, t.relation)] ELSE $1 END, '''''
                   ')::txid_snapshot) p(at)'
                   ' WHERE at IS NULL OR NOT txid_visible_in_snapshot(t.xid, at))', inactive)
    INTO uncovered USING given_position, own_ids, own_positions;
    IF uncovered OR NOT rely(slot_id, known_epoch, number, batch) THEN
        RETURN false;
    END IF;
    EXECUTE format('TRUNCATE %s', inactive);
    RETURN true;
END $$;

-- Lets the writers change sides when the deltas of the active side hold min_bytes or more, of those watched (null: of
-- all).
CREATE FUNCTION :"schema".change_sides(min_bytes bigint, watched int[]) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    active bigint := pg_sequence_last_value('side'::regclass);
    held bigint;
BEGIN
    SELECT coalesce(sum(pg_relation_size(CASE WHEN active = 1 THEN delta_a ELSE delta_b END)), 0)
           + pg_relation_size(CASE WHEN active = 1 THEN 'truncation_a'::regclass ELSE 'truncation_b' END)
    INTO held FROM asked(watched);
    IF held = 0 OR held < min_bytes THEN
        RETURN false;
    END IF;
    PERFORM setval('side'::regclass, 3 - active);
    RETURN true;
END $$;
