-- What one captured one-row UPDATE costs in a session that nothing comes between, under several designs, in any empty database:
--   psql -X -f docs/measure/statement.sql DATABASE
-- As a superuser. Prints microseconds of the server's processor time a statement, best and median of seven rounds, interleaved.
\set QUIET on
CREATE TABLE t (id int PRIMARY KEY, v int, pad text) WITH (fillfactor = 50);
INSERT INTO t SELECT g, 0, repeat('x', 60) FROM generate_series(1, 50000) g;
CREATE TABLE a (xid bigint NOT NULL, k1 int NOT NULL) WITH (autovacuum_enabled = off);
CREATE TABLE b (LIKE a) WITH (autovacuum_enabled = off);
CREATE SEQUENCE side;
CREATE SEQUENCE bell;
SELECT setval('side', 1), setval('bell', 2) \g /dev/null
-- Of this session's process (Linux), in microseconds.
CREATE FUNCTION cpu_us() RETURNS float LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 60), ' ', 1)::float / 1000 $$;
CREATE TABLE result (design text, us float);

CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION only_insert() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.a SELECT pg_catalog.txid_current(), id FROM changed; RETURN NULL; END $$;
CREATE FUNCTION only_insert_row() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.a VALUES (pg_catalog.txid_current(), NEW.id); RETURN NULL; END $$;
CREATE FUNCTION whole() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF session_user OPERATOR(pg_catalog.=) 'app' AND pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) 'x' THEN RETURN NULL; END IF;
    IF pg_catalog.pg_sequence_last_value('public.side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO public.a SELECT pg_catalog.txid_current(), id FROM changed;
    ELSE
        INSERT INTO public.b SELECT pg_catalog.txid_current(), id FROM changed;
    END IF;
    IF FOUND AND pg_catalog.pg_sequence_last_value('public.bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.pg_notify('x', '');
    END IF;
    RETURN NULL;
END $$;
-- Several rows are no matter of this page: triggers.sql has what tells whether their keys changed.
CREATE FUNCTION with_old() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    n bigint;
BEGIN
    IF session_user OPERATOR(pg_catalog.=) 'app' AND pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) 'x' THEN RETURN NULL; END IF;
    IF pg_catalog.pg_sequence_last_value('public.side'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        INSERT INTO public.a SELECT pg_catalog.txid_current(), c.id FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (w.id OPERATOR(pg_catalog.=) c.id) IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO public.a SELECT pg_catalog.txid_current(), w.id FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO public.a SELECT pg_catalog.txid_current(), w.id FROM was w;
        END IF;
    ELSE
        INSERT INTO public.b SELECT pg_catalog.txid_current(), c.id FROM changed c;
        GET DIAGNOSTICS n := ROW_COUNT;
        IF n OPERATOR(pg_catalog.=) 1 THEN
            IF (w.id OPERATOR(pg_catalog.=) c.id) IS NOT TRUE FROM was w, changed c THEN
                INSERT INTO public.b SELECT pg_catalog.txid_current(), w.id FROM was w;
            END IF;
        ELSIF n OPERATOR(pg_catalog.>) 1 THEN
            INSERT INTO public.b SELECT pg_catalog.txid_current(), w.id FROM was w;
        END IF;
    END IF;
    IF n OPERATOR(pg_catalog.>) 0
       AND pg_catalog.pg_sequence_last_value('public.bell'::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        PERFORM pg_catalog.pg_notify('x', '');
    END IF;
    RETURN NULL;
END $$;
DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('whole'::regproc), 'public.whole()', 'public.pinned()');
    -- The guard where the application logs in as repl's own role; and one that asks no role, which would let anybody through.
    EXECUTE replace(replace(pg_get_functiondef('with_old'::regproc), 'public.with_old()', 'public.own_role()'), '''app''',
                    quote_literal(session_user));
    EXECUTE replace(replace(pg_get_functiondef('with_old'::regproc), 'public.with_old()', 'public.no_role()'),
                    'session_user OPERATOR(pg_catalog.=) ''app'' AND ', '');
END $$;
ALTER FUNCTION pinned() SET search_path = pg_catalog, pg_temp;

CREATE PROCEDURE measure(design text) LANGUAGE plpgsql AS $$
DECLARE
    began float;
BEGIN
    TRUNCATE a, b;
    COMMIT;
    began := cpu_us();
    FOR i IN 1..20000 LOOP
        UPDATE t SET v = v + 1 WHERE id = i;
    END LOOP;
    INSERT INTO result VALUES (design, (cpu_us() - began) / 20000);
    DROP TRIGGER IF EXISTS u ON t;
    DROP TRIGGER IF EXISTS k ON t;
    COMMIT;
END $$;

SET client_min_messages = warning;
DO $$
BEGIN
    FOR round IN 1..7 LOOP
        CALL measure('1 no trigger');
        CREATE TRIGGER u AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION nothing();
        CALL measure('2 a trigger that does nothing');
        CREATE TRIGGER u AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION only_insert_row();
        CALL measure('3 only the insertion, by row');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION only_insert();
        CALL measure('4 only the insertion, by statement');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION whole();
        CALL measure('5 guard, sides and doorbell too');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION whole();
        CREATE TRIGGER k AFTER UPDATE ON t FOR EACH ROW WHEN (NOT (old.id = new.id)) EXECUTE FUNCTION nothing();
        CALL measure('6 changed keys too, by row');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION with_old();
        CALL measure('7 changed keys too: capture as it is');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION own_role();
        CALL measure('7a the same, written by repl''s own role');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION no_role();
        CALL measure('7b the same with a guard that asks no role');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pinned();
        CREATE TRIGGER k AFTER UPDATE ON t FOR EACH ROW WHEN (NOT (old.id = new.id)) EXECUTE FUNCTION nothing();
        CALL measure('8 with a search_path set for the function');
    END LOOP;
END $$;
SELECT design, round(min(us)::numeric, 1) AS best_us, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY us))::numeric, 1) AS median_us
FROM result GROUP BY 1 ORDER BY 1;
