-- repl's schema on a source, as repl 0.1 (layout 5) left it behind a move that follows: pg_dump -O -x -n repl. And its triggers.
SET check_function_bodies = false;
CREATE SCHEMA repl;
CREATE FUNCTION repl.arm(anyway boolean, watched integer[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
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
CREATE TABLE repl.relation (
    id integer NOT NULL,
    relid oid NOT NULL,
    nspname name NOT NULL,
    relname name NOT NULL,
    delta_a regclass,
    delta_b regclass,
    bell regclass,
    key_columns text NOT NULL,
    key_numbers smallint[] NOT NULL,
    key_types oid[] NOT NULL,
    installed_at timestamp with time zone
);
CREATE FUNCTION repl.asked(watched integer[]) RETURNS SETOF repl.relation
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    IF watched IS NULL THEN
        RETURN QUERY SELECT * FROM relation r WHERE r.installed_at IS NOT NULL;
    ELSE
        RETURN QUERY SELECT r.* FROM unnest(watched) w(id) JOIN relation r ON r.id = w.id WHERE r.installed_at IS NOT NULL;
    END IF;
END $$;
CREATE FUNCTION repl.awake(horizon bigint) RETURNS SETOF integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    IF txid_snapshot_xmin(txid_current_snapshot()) < horizon THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;
    RETURN QUERY SELECT id FROM asked(NULL) WHERE bell IN (SELECT b.bell FROM (SELECT DISTINCT a.bell FROM asked(NULL) a) b
                                                           WHERE pg_sequence_last_value(b.bell) <> 3)
                 UNION SELECT dirty(NULL);
END $$;
CREATE FUNCTION repl.change_sides(min_bytes bigint, watched integer[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
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
CREATE FUNCTION repl.d1_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) '73f2c9da-3cb3-4428-b547-de57a79c2b65' THEN
        RETURN NULL;
    END IF;
    IF NOT "repl".intact('16393'::pg_catalog.regclass, '{}', '{}', '') THEN
        BEGIN
            EXECUTE "repl".insertion(1, '16393'::pg_catalog.regclass, '{}', '{}', 'c.',
                                        ' FROM changed c LIMIT 1');
        EXCEPTION WHEN OTHERS THEN
            PERFORM "repl".miss(1);
        END;
        PERFORM 1;
    ELSIF pg_catalog.pg_sequence_last_value('"repl"."side"'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO "repl"."d1_a" SELECT pg_catalog.txid_current() FROM changed c LIMIT 1;
    ELSE
        INSERT INTO "repl"."d1_b" SELECT pg_catalog.txid_current() FROM changed c LIMIT 1;
    END IF;
    IF FOUND AND pg_catalog.pg_sequence_last_value('"repl"."bell_0"'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM "repl".ring('"repl"."bell_0"'::pg_catalog.regclass, 'repl');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION repl.d1_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
    IF pg_catalog.pg_sequence_last_value('"repl"."side"'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO "repl"."truncation_a" VALUES (1, pg_catalog.txid_current());
    ELSE
        INSERT INTO "repl"."truncation_b" VALUES (1, pg_catalog.txid_current());
    END IF;
    IF pg_catalog.pg_sequence_last_value('"repl"."bell_0"'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM "repl".ring('"repl"."bell_0"'::pg_catalog.regclass, 'repl');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION repl.d2_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) '73f2c9da-3cb3-4428-b547-de57a79c2b65' THEN
        RETURN NULL;
    END IF;
    IF NOT "repl".intact('16386'::pg_catalog.regclass, '{1}', '{23}', ', "id"') THEN
        BEGIN
            EXECUTE "repl".insertion(2, '16386'::pg_catalog.regclass, '{1}', '{23}', 'c.',
                                        ' FROM changed c ');
        EXCEPTION WHEN OTHERS THEN
            PERFORM "repl".miss(2);
        END;
        PERFORM 1;
    ELSIF pg_catalog.pg_sequence_last_value('"repl"."side"'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO "repl"."d2_a" SELECT pg_catalog.txid_current(), c."id" FROM changed c ;
    ELSE
        INSERT INTO "repl"."d2_b" SELECT pg_catalog.txid_current(), c."id" FROM changed c ;
    END IF;
    IF FOUND AND pg_catalog.pg_sequence_last_value('"repl"."bell_0"'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM "repl".ring('"repl"."bell_0"'::pg_catalog.regclass, 'repl');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION repl.d2_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
    IF pg_catalog.pg_sequence_last_value('"repl"."side"'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO "repl"."truncation_a" VALUES (2, pg_catalog.txid_current());
    ELSE
        INSERT INTO "repl"."truncation_b" VALUES (2, pg_catalog.txid_current());
    END IF;
    IF pg_catalog.pg_sequence_last_value('"repl"."bell_0"'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM "repl".ring('"repl"."bell_0"'::pg_catalog.regclass, 'repl');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION repl.d2_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
DECLARE
    n bigint;
BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) '73f2c9da-3cb3-4428-b547-de57a79c2b65' THEN
        RETURN NULL;
    END IF;
    IF NOT "repl".intact('16386'::pg_catalog.regclass, '{1}', '{23}', ', "id"') THEN
        BEGIN
            EXECUTE "repl".insertion(2, '16386'::pg_catalog.regclass, '{1}', '{23}', 'c.',
                                        ' FROM changed c');
            EXECUTE "repl".insertion(2, '16386'::pg_catalog.regclass, '{1}', '{23}', 'c.',
                                        ' FROM was c');
        EXCEPTION WHEN OTHERS THEN
            PERFORM "repl".miss(2);
        END;
        n := 1;
    ELSIF pg_catalog.pg_sequence_last_value('"repl"."side"'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO "repl"."d2_a" SELECT pg_catalog.txid_current(), c."id" FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (w."id" OPERATOR(pg_catalog.=) c."id") IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO "repl"."d2_a" SELECT pg_catalog.txid_current(), w."id" FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO "repl"."d2_a" SELECT pg_catalog.txid_current(), w."id" FROM was w WHERE ((SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."id", 2679051180406743895)) FROM was c) OPERATOR(pg_catalog.=) (SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."id", 2679051180406743895)) FROM changed c)) IS NOT TRUE;
        END IF;
    ELSE
        INSERT INTO "repl"."d2_b" SELECT pg_catalog.txid_current(), c."id" FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (w."id" OPERATOR(pg_catalog.=) c."id") IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO "repl"."d2_b" SELECT pg_catalog.txid_current(), w."id" FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO "repl"."d2_b" SELECT pg_catalog.txid_current(), w."id" FROM was w WHERE ((SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."id", 2679051180406743895)) FROM was c) OPERATOR(pg_catalog.=) (SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."id", 2679051180406743895)) FROM changed c)) IS NOT TRUE;
        END IF;
    END IF;
    IF n OPERATOR(pg_catalog.>) 0
       AND pg_catalog.pg_sequence_last_value('"repl"."bell_0"'::pg_catalog.regclass) OPERATOR(pg_catalog.<>) 2 THEN
        PERFORM "repl".ring('"repl"."bell_0"'::pg_catalog.regclass, 'repl');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION repl.dirty(watched integer[]) RETURNS SETOF integer
    LANGUAGE plpgsql ROWS 10
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT id FROM asked(watched) WHERE pg_relation_size(delta_a) > 0 OR pg_relation_size(delta_b) > 0
    UNION SELECT relation FROM truncation_a
    UNION SELECT relation FROM truncation_b
    UNION SELECT relation FROM missed;
END $$;
CREATE FUNCTION repl.expect(heap oid, planned oid, table_oid oid, known_shape text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    IF shape(table_oid) <> known_shape THEN
        RAISE EXCEPTION 'the table was altered since the catalogs were read' USING ERRCODE = 'object_in_use';
    END IF;
    IF pg_relation_filenode(heap) IS DISTINCT FROM planned THEN
        RAISE EXCEPTION 'the table was rewritten (VACUUM FULL, CLUSTER, TRUNCATE) since its copy was planned'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;
CREATE FUNCTION repl.insertion(relation_id integer, relation regclass, numbers smallint[], types oid[], prefix text, rest text) RETURNS text
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
    SELECT format('INSERT INTO %I.%I SELECT pg_catalog.txid_current()', n.nspname, c.relname)
           || key_now($2, numbers, types, prefix) || rest
    FROM relation r
    JOIN pg_class c ON c.oid = CASE WHEN pg_sequence_last_value('side'::regclass) = 1 THEN r.delta_a ELSE r.delta_b END
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.id = relation_id
$_$;
CREATE FUNCTION repl.intact(relation regclass, numbers smallint[], types oid[], names text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    RETURN coalesce(key_now(relation, numbers, types, '') = names, false);
END $$;
CREATE FUNCTION repl.key_now(relation regclass, numbers smallint[], types oid[], prefix text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    names text := '';
    name text;
    type oid;
BEGIN
    FOR i IN 1..cardinality(numbers) LOOP
        name := (pg_identify_object_as_address('pg_class'::regclass, relation, numbers[i])).object_names[3];
        EXECUTE format('SELECT pg_typeof((NULL::%s).%I)', relation, name) INTO type;
        names := names || ', ' || prefix || '"' || replace(name, '"', '""') || '"';
        IF type IS DISTINCT FROM types[i] THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN names;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
CREATE FUNCTION repl.leaves(root oid) RETURNS TABLE(leafid oid, nspname name, relname name, attached text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION repl.lift_fence() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
DECLARE
    f record;
    n bigint := 0;
BEGIN
    LOCK TABLE fence IN EXCLUSIVE MODE;
    FOR f IN DELETE FROM fence RETURNING definition LOOP
        EXECUTE f.definition;
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION repl.lull(keep integer[], OUT woken_then bigint, OUT horizon bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    -- A bell that a crash set back to rung would be silent.
    PERFORM set_config('synchronous_commit', 'on', true);
    PERFORM setval(bell, 3) FROM (SELECT bell FROM asked(NULL) EXCEPT SELECT bell FROM asked(keep)) b
    WHERE pg_sequence_last_value(bell) <> 3;
    SELECT pg_sequence_last_value('woken') INTO woken_then;
    SELECT txid_snapshot_xmax(txid_current_snapshot()) INTO horizon;
END $$;
CREATE FUNCTION repl.miss(relation_id integer) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
    INSERT INTO missed SELECT relation_id, txid_current()
    WHERE NOT EXISTS (SELECT FROM missed m WHERE m.relation = relation_id)
$$;
CREATE FUNCTION repl.newest(ids integer[]) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
DECLARE
    r record;
    one bigint;
    found bigint := (SELECT max(xid) FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                     WHERE relation = ANY (ids));
BEGIN
    FOR r IN SELECT delta_a, delta_b FROM relation q
             WHERE id = ANY (ids) AND installed_at IS NOT NULL AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_a)
               AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_b) ORDER BY id LOOP
        EXECUTE format('SELECT max(xid) FROM (SELECT xid FROM %s UNION ALL SELECT xid FROM %s) d', r.delta_a, r.delta_b)
        INTO one;
        found := greatest(found, one);
    END LOOP;
    RETURN found;
END $$;
CREATE FUNCTION repl.owed(given_position text, own_ids integer[], own_positions text[], cap bigint, watched integer[]) RETURNS TABLE(id integer, truncated boolean, row_count bigint)
    LANGUAGE plpgsql ROWS 10
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
DECLARE
    r record;
    at txid_snapshot;
BEGIN
    FOR r IN SELECT q.id, q.delta_a, q.delta_b, array_position(own_ids, q.id) AS own
             FROM dirty(watched) d(id) JOIN relation q ON q.id = d.id ORDER BY q.id LOOP
        at := nullif(CASE WHEN r.own IS NULL THEN given_position ELSE own_positions[r.own] END, '')::txid_snapshot;
        id := r.id;
        SELECT EXISTS (SELECT FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                       WHERE t.relation = r.id AND (at IS NULL OR NOT txid_visible_in_snapshot(t.xid, at)))
        INTO truncated;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM (SELECT xid FROM %s UNION ALL SELECT xid FROM %s) d'
                       ' WHERE $1 IS NULL OR NOT txid_visible_in_snapshot(xid, $1) LIMIT $2) q',
                       r.delta_a, r.delta_b)
        INTO row_count USING at, cap;
        IF truncated OR row_count > 0 OR EXISTS (SELECT FROM missed m WHERE m.relation = r.id) THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $_$;
CREATE FUNCTION repl.put_up_fence(names name[] DEFAULT NULL::name[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
DECLARE
    f record;
    own text;
    id uuid;
BEGIN
    LOCK TABLE fence IN EXCLUSIVE MODE;
    SELECT sync_id INTO id FROM sync;
    FOR f IN SELECT p.oid, p.oid::regproc::text AS name, quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS sql
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.oid = (SELECT relnamespace FROM pg_class WHERE oid = 'fence'::regclass)
               AND p.prorettype = 'trigger'::regtype AND (names IS NULL OR p.proname = ANY (names))
             ORDER BY p.oid LOOP
        INSERT INTO fence (function, definition) VALUES (f.name, pg_get_functiondef(f.oid)) ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        EXECUTE format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS %L', f.sql,
                       format($body$BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) %L THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
        MESSAGE = pg_catalog.format('cannot write to %%I.%%I: this database is being moved to another server',
                                    TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = 'repl has switched writes off here. Connect again with the new DATABASE_URL, or wait until it lets go.';
END$body$, id));
    END LOOP;
    RETURN (SELECT count(*) FROM fence);
END $_$;
CREATE FUNCTION repl.ring(own regclass, channel text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
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
CREATE FUNCTION repl.shape(table_oid oid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $$
BEGIN
    RETURN md5(coalesce((SELECT string_agg(format('%s %s %s %s %s %s', attnum, attname, atttypid, atttypmod, attnotnull,
                                                  attgenerated), ',' ORDER BY attnum)
                         FROM pg_attribute WHERE attrelid = table_oid AND attnum > 0 AND NOT attisdropped), '')
               || coalesce((SELECT string_agg(format('%s %s %s', indexrelid, indisvalid, indkey), ',' ORDER BY indexrelid)
                            FROM pg_index WHERE indrelid = table_oid AND (indisunique OR indisexclusion)), '')
               || CASE WHEN EXISTS (SELECT FROM missed m JOIN relation r ON r.id = m.relation WHERE r.relid = table_oid)
                  THEN 'missed' ELSE '' END);
END $$;
CREATE FUNCTION repl."trim"(relation_id integer, given_position text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
DECLARE
    at txid_snapshot := nullif(given_position, '')::txid_snapshot;
    inactive regclass;
    uncovered boolean;
BEGIN
    SELECT CASE WHEN pg_sequence_last_value('side'::regclass) = 1 THEN delta_b ELSE delta_a END
    INTO inactive FROM relation WHERE id = relation_id;
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
    IF uncovered THEN
        RETURN false;
    END IF;
    EXECUTE format('TRUNCATE %s', inactive);
    RETURN true;
END $_$;
CREATE FUNCTION repl.trim_truncations(given_position text, own_ids integer[], own_positions text[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
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
    IF uncovered THEN
        RETURN false;
    END IF;
    EXECUTE format('TRUNCATE %s', inactive);
    RETURN true;
END $_$;
CREATE FUNCTION repl.written(ids integer[], lowest bigint, highest bigint) RETURNS TABLE(id integer, xid bigint, what text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'repl', 'pg_temp'
    AS $_$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT q.id, q.delta_a, q.delta_b FROM relation q
             WHERE q.id = ANY (ids) AND q.installed_at IS NOT NULL AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_a)
               AND EXISTS (SELECT FROM pg_class c WHERE c.oid = q.delta_b) ORDER BY q.id LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %s, xid, format(''%%s rows %%s'', count(*), sum(hashtextextended(d::text, 0)))'
            ' FROM (SELECT * FROM %s UNION ALL SELECT * FROM %s) d WHERE xid BETWEEN $1 AND $2 GROUP BY xid ORDER BY xid',
            r.id, r.delta_a, r.delta_b) USING lowest, highest;
    END LOOP;
    RETURN QUERY SELECT t.relation, t.xid, format('%s truncations', count(*))
                 FROM (SELECT * FROM truncation_a UNION ALL SELECT * FROM truncation_b) t
                 WHERE t.relation = ANY (ids) AND t.xid BETWEEN lowest AND highest
                 GROUP BY 1, 2 ORDER BY 1, 2;
END $_$;
CREATE SEQUENCE repl.applied
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;
CREATE SEQUENCE repl.bell
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 2
    CACHE 1;
CREATE SEQUENCE repl.bell_0
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 3
    CACHE 1;
CREATE TABLE repl.d1_a (
    xid bigint NOT NULL
)
WITH (autovacuum_enabled=off);
CREATE TABLE repl.d1_b (
    xid bigint NOT NULL
)
WITH (autovacuum_enabled=off);
CREATE TABLE repl.d2_a (
    xid bigint NOT NULL,
    k1 integer
)
WITH (autovacuum_enabled=off);
CREATE TABLE repl.d2_b (
    xid bigint NOT NULL,
    k1 integer
)
WITH (autovacuum_enabled=off);
CREATE TABLE repl.fence (
    function text NOT NULL,
    definition text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE repl.leaf (
    relation integer NOT NULL,
    leafid oid NOT NULL,
    nspname name NOT NULL,
    relname name NOT NULL,
    attached text NOT NULL,
    gone boolean DEFAULT false NOT NULL
);
CREATE TABLE repl.missed (
    relation integer NOT NULL,
    xid bigint NOT NULL
)
WITH (autovacuum_enabled=off);
ALTER TABLE repl.relation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME repl.relation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE repl.side
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 2
    CACHE 1;
CREATE TABLE repl.sync (
    sync_id uuid NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    system_identifier text NOT NULL,
    timeline bigint NOT NULL
);
CREATE TABLE repl.truncation_a (
    relation integer NOT NULL,
    xid bigint NOT NULL
)
WITH (autovacuum_enabled=off);
CREATE TABLE repl.truncation_b (
    relation integer NOT NULL,
    xid bigint NOT NULL
)
WITH (autovacuum_enabled=off);
CREATE SEQUENCE repl.woken
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;
COPY repl.d1_a (xid) FROM stdin;
\.
COPY repl.d1_b (xid) FROM stdin;
\.
COPY repl.d2_a (xid, k1) FROM stdin;
\.
COPY repl.d2_b (xid, k1) FROM stdin;
\.
COPY repl.fence (function, definition, since) FROM stdin;
\.
COPY repl.leaf (relation, leafid, nspname, relname, attached, gone) FROM stdin;
\.
COPY repl.missed (relation, xid) FROM stdin;
\.
COPY repl.relation (id, relid, nspname, relname, delta_a, delta_b, bell, key_columns, key_numbers, key_types, installed_at) FROM stdin;
1	16393	public	keyless	repl.d1_a	repl.d1_b	repl.bell_0		{}	{}	2026-12-01 10:35:15.653362+00
2	16386	public	t	repl.d2_a	repl.d2_b	repl.bell_0	"id"	{1}	{23}	2026-12-01 10:35:15.680109+00
\.
COPY repl.sync (sync_id, version, created_at, system_identifier, timeline) FROM stdin;
73f2c9da-3cb3-4428-b547-de57a79c2b65	5	2026-12-01 10:35:14.516311+00	7714282248129802428	1
\.
COPY repl.truncation_a (relation, xid) FROM stdin;
\.
COPY repl.truncation_b (relation, xid) FROM stdin;
\.
SELECT pg_catalog.setval('repl.applied', 0, true);
SELECT pg_catalog.setval('repl.bell', 1, true);
SELECT pg_catalog.setval('repl.bell_0', 3, true);
SELECT pg_catalog.setval('repl.relation_id_seq', 2, true);
SELECT pg_catalog.setval('repl.side', 1, true);
SELECT pg_catalog.setval('repl.woken', 2, true);
ALTER TABLE ONLY repl.fence
    ADD CONSTRAINT fence_pkey PRIMARY KEY (function);
ALTER TABLE ONLY repl.leaf
    ADD CONSTRAINT leaf_pkey PRIMARY KEY (relation, leafid);
ALTER TABLE ONLY repl.relation
    ADD CONSTRAINT relation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY repl.relation
    ADD CONSTRAINT relation_relid_key UNIQUE (relid);
ALTER TABLE ONLY repl.sync
    ADD CONSTRAINT sync_pkey PRIMARY KEY (sync_id);
CREATE TRIGGER repl_delete AFTER DELETE ON public.keyless REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d1_changed();
ALTER TABLE public.keyless ENABLE ALWAYS TRIGGER repl_delete;
CREATE TRIGGER repl_delete AFTER DELETE ON public.t REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d2_changed();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER repl_delete;
CREATE TRIGGER repl_insert AFTER INSERT ON public.keyless REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d1_changed();
ALTER TABLE public.keyless ENABLE ALWAYS TRIGGER repl_insert;
CREATE TRIGGER repl_insert AFTER INSERT ON public.t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d2_changed();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER repl_insert;
CREATE TRIGGER repl_truncate AFTER TRUNCATE ON public.keyless FOR EACH STATEMENT WHEN ((current_setting('repl.origin'::text, true) IS DISTINCT FROM '73f2c9da-3cb3-4428-b547-de57a79c2b65'::text)) EXECUTE FUNCTION repl.d1_truncate();
ALTER TABLE public.keyless ENABLE ALWAYS TRIGGER repl_truncate;
CREATE TRIGGER repl_truncate AFTER TRUNCATE ON public.t FOR EACH STATEMENT WHEN ((current_setting('repl.origin'::text, true) IS DISTINCT FROM '73f2c9da-3cb3-4428-b547-de57a79c2b65'::text)) EXECUTE FUNCTION repl.d2_truncate();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER repl_truncate;
CREATE TRIGGER repl_update AFTER UPDATE ON public.keyless REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d1_changed();
ALTER TABLE public.keyless ENABLE ALWAYS TRIGGER repl_update;
CREATE TRIGGER repl_update AFTER UPDATE ON public.t REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION repl.d2_updated();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER repl_update;
