-- What is owed, and of which tables: what the engine asks before it moves a row.
-- Writes: functions of capture's schema.   Variables: schema.

-- The leaves of a partitioned table.
CREATE FUNCTION :"schema".leaves(root pg_catalog.oid)
RETURNS TABLE (leafid pg_catalog.oid, nspname pg_catalog.name, relname pg_catalog.name, attached text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE tree(oid, attached) AS (
        SELECT root, ''
        UNION ALL
        SELECT i.inhrelid, t.attached || ' ' || i.inhrelid || ':' || i.xmin::text
        FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
    )
    SELECT c.oid, n.nspname, c.relname, t.attached
    FROM tree t
    JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'r'
    JOIN pg_namespace n ON n.oid = c.relnamespace
$$;

-- Capture's own triggers on a table or leaf, with the transactions that last touched them, and the server on which that was. Somebody
-- who switches one off and on again within a transaction leaves another text. Of another server it says nothing: pg_upgrade and
-- pg_dump make all of them new.
CREATE FUNCTION :"schema".triggers_now(table_oid pg_catalog.oid) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT (SELECT system_identifier FROM pg_control_system()) || coalesce(string_agg(format(' %s:%s', t.oid, t.xmin), '' ORDER BY t.oid), '')
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = table_oid AND NOT t.tgisinternal
      AND p.pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'sync'::regclass)
$$;

-- Whether they are what they were noted as.
CREATE FUNCTION :"schema".triggers_intact(table_oid pg_catalog.oid, noted text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT noted IS NULL OR now = noted OR split_part(now, ' ', 1) <> split_part(noted, ' ', 1)
    FROM triggers_now(table_oid) now
$$;

-- The captured tables of those ids; null: all.
CREATE FUNCTION :"schema".asked(watched int[]) RETURNS SETOF :"schema".relation LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    IF watched IS NULL THEN
        RETURN QUERY SELECT * FROM relation r WHERE r.installed_at IS NOT NULL;
    ELSE
        RETURN QUERY SELECT r.* FROM unnest(watched) w(id) JOIN relation r ON r.id = w.id WHERE r.installed_at IS NOT NULL;
    END IF;
END $$;

-- Of those watched (null: of all), the tables with any delta row, covered or not. Sizes are no matter of snapshots: a
-- table that is not in the list has no row that any snapshot taken before could see.
-- plpgsql keeps its plan; a function in SQL would be planned anew at each look.
CREATE FUNCTION :"schema".dirty(watched int[]) RETURNS SETOF int LANGUAGE plpgsql VOLATILE ROWS 10
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT id FROM asked(watched) WHERE pg_relation_size(delta_a) > 0 OR pg_relation_size(delta_b) > 0
    UNION SELECT relation FROM truncation_a
    UNION SELECT relation FROM truncation_b
    UNION SELECT relation FROM missed;
END $$;

-- What is owed to a target at given_position (null: everything), tables in own_ids standing at own_positions instead
-- (empty: everything). Counts no further than cap a table, and asks only those watched (null: all).
CREATE FUNCTION :"schema".owed(given_position text, own_ids int[], own_positions text[], cap bigint, watched int[])
RETURNS TABLE (id int, truncated boolean, row_count bigint) LANGUAGE plpgsql VOLATILE ROWS 10
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    r record;
    at txid_snapshot;
BEGIN
    FOR r IN SELECT q.id, array_position(own_ids, q.id) AS own
             FROM dirty(watched) d(id) JOIN relation q ON q.id = d.id ORDER BY q.id LOOP
        at := nullif(CASE WHEN r.own IS NULL THEN given_position ELSE own_positions[r.own] END, '')::txid_snapshot;
        id := r.id;
        SELECT EXISTS (SELECT FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                       WHERE t.relation = r.id AND (at IS NULL OR NOT txid_visible_in_snapshot(t.xid, at)))
        INTO truncated;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM (SELECT xid FROM d%1$s_a UNION ALL SELECT xid FROM d%1$s_b) d'
                       ' WHERE $1 IS NULL OR NOT txid_visible_in_snapshot(xid, $1) LIMIT $2) q', r.id)
        INTO row_count USING at, cap;
        IF truncated OR row_count > 0 OR EXISTS (SELECT FROM missed m WHERE m.relation = r.id) THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- What a table looks like to whoever reads or merges its rows: its name (another table may have it by now), columns and unique indexes, with those that a partition has
-- of its own, and whether its deltas hold all. Another text: look again.
CREATE FUNCTION :"schema".shape(table_oid pg_catalog.oid) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    indexes oid[] := ARRAY(SELECT indexrelid FROM pg_index WHERE indrelid = table_oid AND (indisunique OR indisexclusion));
BEGIN
    IF (SELECT relkind = 'p' FROM pg_class WHERE oid = table_oid) THEN
        indexes := indexes || ARRAY(SELECT i.indexrelid FROM leaves(table_oid) l
                                    JOIN pg_index i ON i.indrelid = l.leafid AND (i.indisunique OR i.indisexclusion)
                                    JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition);
    END IF;
    RETURN md5(coalesce((SELECT format('%I.%I ', n.nspname, c.relname)
                         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = table_oid), '')
               || coalesce((SELECT string_agg(format('%s %s %s %s %s %s', attnum, attname, atttypid, atttypmod, attnotnull,
                                                  attgenerated), ',' ORDER BY attnum)
                         FROM pg_attribute WHERE attrelid = table_oid AND attnum > 0 AND NOT attisdropped), '')
               || coalesce((SELECT string_agg(format('%s %s %s', indexrelid, indisvalid, indkey), ',' ORDER BY indexrelid)
                            FROM pg_index WHERE indexrelid = ANY (indexes)), '')
               || CASE WHEN EXISTS (SELECT FROM missed m JOIN relation r ON r.id = m.relation WHERE r.relid = table_oid)
                  THEN 'missed' ELSE '' END);
END $$;

-- Fails unless the heap is still the file that the copy was planned with (55000), of a table that still looks as it
-- did (55006).
CREATE FUNCTION :"schema".expect(heap pg_catalog.oid, planned pg_catalog.oid, table_oid pg_catalog.oid, known_shape text)
RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    IF shape(table_oid) <> known_shape THEN
        RAISE EXCEPTION 'the table was altered since the catalogs were read' USING ERRCODE = 'object_in_use';
    END IF;
    IF pg_relation_filenode(heap) IS DISTINCT FROM planned THEN
        RAISE EXCEPTION 'the table was rewritten (VACUUM FULL, CLUSTER, TRUNCATE) since its copy was planned'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- The newest transaction on record in the deltas of these tables; null: none. Deltas that are gone count as empty: an
-- init that was killed while it cleaned up what a target was restored with had looked at them.
CREATE FUNCTION :"schema".newest(ids int[]) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    r record;
    one bigint;
    latest bigint := (SELECT max(xid) FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                     WHERE relation = ANY (ids));
BEGIN
    FOR r IN SELECT q.id FROM relation q
             WHERE id = ANY (ids) AND installed_at IS NOT NULL AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_a)
               AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_b) ORDER BY id LOOP
        EXECUTE format('SELECT max(xid) FROM (SELECT xid FROM d%1$s_a UNION ALL SELECT xid FROM d%1$s_b) d', r.id)
        INTO one;
        latest := greatest(latest, one);
    END LOOP;
    RETURN latest;
END $$;

-- What the transactions from..upto left in the deltas of these tables, one row a table and transaction, so that two
-- databases can be compared.
CREATE FUNCTION :"schema".written(ids int[], lowest bigint, highest bigint)
RETURNS TABLE(id int, xid bigint, what text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT q.id FROM relation q
             WHERE q.id = ANY (ids) AND q.installed_at IS NOT NULL AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_a)
               AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_b) ORDER BY q.id LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %1$s, xid, format(''%%s rows %%s'', count(*), sum(hashtextextended(d::text, 0)))'
            ' FROM (SELECT * FROM d%1$s_a UNION ALL SELECT * FROM d%1$s_b) d WHERE xid BETWEEN $1 AND $2 GROUP BY xid ORDER BY xid',
            r.id) USING lowest, highest;
    END LOOP;
    RETURN QUERY SELECT t.relation, t.xid, format('%s truncations', count(*))
                 FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                 WHERE t.relation = ANY (ids) AND t.xid BETWEEN lowest AND highest
                 GROUP BY 1, 2 ORDER BY 1, 2;
END $$;
