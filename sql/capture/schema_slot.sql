-- The slots of targets: the proof that source and target belong to one history, and the logged write that makes it.
-- Writes: functions of capture's schema.   Variables: schema.

-- Numbers of one slot are given out one at a time, and in the order in which they come into the WAL: the
-- session that gives one out holds this lock until its transaction has ended. Only the schema's owner can take it.
CREATE FUNCTION :"schema".lock_slots() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp SET lock_timeout = '15s' AS $$
BEGIN
    LOCK TABLE slot IN EXCLUSIVE MODE;
END $$;

CREATE FUNCTION :"schema".slot_value(slot_id int, name text) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    RETURN pg_sequence_last_value(format('slot_%s_%s', slot_id, name)::regclass);
END $$;

-- The slot of that target, made where there is none. Null: the slot that is there belongs to another target, and rows of
-- the deltas were truncated for its sake. Where none were, the new target takes the slot over.
CREATE FUNCTION :"schema".open_slot(target_id uuid) RETURNS int LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    found_id int;
    name text;
    other text;
BEGIN
    PERFORM lock_slots();
    SELECT id INTO found_id FROM slot WHERE target = target_id;
    IF FOUND THEN
        RETURN found_id;
    END IF;
    SELECT id INTO found_id FROM slot;
    IF FOUND THEN
        UPDATE slot SET target = target_id WHERE id = found_id AND slot_value(found_id, 'applied') = 0;
        RETURN CASE WHEN FOUND THEN found_id END;
    END IF;
    INSERT INTO slot (id, target) VALUES (1, target_id);
    FOREACH name IN ARRAY ARRAY['written', 'epoch', 'applied', 'batch'] LOOP
        EXECUTE format('CREATE SEQUENCE %s.slot_1_%s MINVALUE 0',
                       (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'slot'::regclass), name);
        PERFORM setval(format('slot_1_%s', name)::regclass, 0);
        -- What default privileges gave to others.
        FOR other IN SELECT DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
                     FROM pg_class c CROSS JOIN aclexplode(c.relacl) x
                     WHERE c.oid = format('slot_1_%s', name)::regclass AND x.grantee <> c.relowner LOOP
            EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM %s CASCADE', format('slot_1_%s', name)::regclass, other);
        END LOOP;
    END LOOP;
    RETURN 1;
END $$;

-- What the source can say of a target that is at known_epoch. Without a slot: the source's own identity alone. Without
-- first: no such epoch was ever begun here. last: the last number that is of this epoch.
CREATE FUNCTION :"schema".proof(target_id uuid, known_epoch bigint)
RETURNS TABLE (system_identifier text, timeline bigint, database_id oid, lsn pg_lsn, xmax bigint, slot_id int,
               current_epoch bigint, written bigint, applied bigint, applied_batch bigint, first bigint, last bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    SELECT s.system_identifier::text,
           ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint,
           d.oid, pg_current_wal_insert_lsn(), txid_snapshot_xmax(txid_current_snapshot())
    INTO system_identifier, timeline, database_id, lsn, xmax
    FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
    SELECT s.id INTO slot_id FROM slot s WHERE s.target = target_id;
    IF FOUND THEN
        current_epoch := slot_value(slot_id, 'epoch');
        written := slot_value(slot_id, 'written');
        applied := slot_value(slot_id, 'applied');
        applied_batch := slot_value(slot_id, 'batch');
        SELECT e.first, coalesce(e.last, written) INTO first, last FROM epoch e
        WHERE e.slot = slot_id AND e.mark = known_epoch;
    END IF;
    RETURN NEXT;
END $$;

-- Begins an epoch, whose numbers are above those of all before and above at_least. Returns its first number, which is that
-- of this write. Epochs that no target can be at any more are forgotten: one that lacks what a truncation relied on is refused.
CREATE FUNCTION :"schema".begin_epoch(slot_id int, new_mark bigint, at_least bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    before bigint;
    number bigint;
BEGIN
    PERFORM lock_slots();
    before := slot_value(slot_id, 'written');
    number := greatest(before, at_least) + 1;
    UPDATE epoch e SET last = before WHERE e.slot = slot_id AND e.last IS NULL;
    DELETE FROM epoch e WHERE e.slot = slot_id AND (e.last < slot_value(slot_id, 'applied') OR e.first <=
        (SELECT o.first FROM epoch o WHERE o.slot = slot_id ORDER BY o.first DESC OFFSET 1000 LIMIT 1));
    INSERT INTO epoch (slot, mark, first) VALUES (slot_id, new_mark, number);
    PERFORM setval(format('slot_%s_written', slot_id)::regclass, number),
            setval(format('slot_%s_epoch', slot_id)::regclass, new_mark);
    RETURN number;
END $$;

-- The logged write behind a batch, a step or a chunk. It takes a transaction id above all that the snapshot before it could
-- see, and its commit flushes the WAL up to there: nothing that was seen can be lost in a crash, and no id be given out
-- again. Fails where this source is not the one on which the epoch was begun, or lacks a write that is known of: it was
-- restored, or another engine has connected since.
CREATE FUNCTION :"schema".written(slot_id int, known_epoch bigint, at_least bigint)
RETURNS TABLE (number bigint, lsn pg_lsn) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    before bigint;
BEGIN
    PERFORM lock_slots();
    before := slot_value(slot_id, 'written');
    IF before < at_least OR slot_value(slot_id, 'epoch') <> known_epoch THEN
        RAISE EXCEPTION 'the source is not as the engine left it: it was restored, or another engine works on this sync'
            USING ERRCODE = 'RP001';
    END IF;
    number := before + 1;
    PERFORM setval(format('slot_%s_written', slot_id)::regclass, number);
    lsn := pg_current_wal_insert_lsn();
    RETURN NEXT;
END $$;

-- Before rows are truncated: the source remembers the batch that this relies on. A target that turns out to lack it has
-- lost what nobody has any more. False, and nothing may be truncated, where another epoch has begun.
CREATE FUNCTION :"schema".rely(slot_id int, known_epoch bigint, number bigint, batch bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    PERFORM lock_slots();
    IF slot_value(slot_id, 'epoch') <> known_epoch OR slot_value(slot_id, 'written') < number THEN
        RETURN false;
    END IF;
    IF slot_value(slot_id, 'applied') < number THEN
        PERFORM setval(format('slot_%s_applied', slot_id)::regclass, number);
    END IF;
    IF slot_value(slot_id, 'batch') < batch THEN
        PERFORM setval(format('slot_%s_batch', slot_id)::regclass, batch);
    END IF;
    RETURN true;
END $$;
