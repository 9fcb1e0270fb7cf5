-- What one UPDATE of 200,000 rows costs under five designs of capture, in any empty database:
--   psql -X -f docs/measure/triggers.sql DATABASE
-- As a superuser. Prints the best and the worst of five rounds of each, interleaved, in processor time of the server.
\set QUIET on
CREATE TABLE t (id bigint PRIMARY KEY, v int, pad text);
INSERT INTO t SELECT g, 0, repeat('x', 60) FROM generate_series(1, 200000) g;
CREATE TABLE d (xid bigint NOT NULL, k1 bigint NOT NULL) WITH (autovacuum_enabled = off);
-- Of this session's process (Linux), in microseconds.
CREATE FUNCTION cpu_us() RETURNS float LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 60), ' ', 1)::float / 1000 $$;
CREATE TABLE result (design text, ms float);

CREATE FUNCTION new_keys() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO d SELECT txid_current(), id FROM changed; RETURN NULL; END $$;
CREATE FUNCTION both_keys() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO d SELECT txid_current(), id FROM (SELECT id FROM before UNION SELECT id FROM after) u; RETURN NULL; END $$;
CREATE FUNCTION old_keys_if() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO d SELECT txid_current(), id FROM after;
    INSERT INTO d SELECT txid_current(), id FROM before
        WHERE ((SELECT sum(hashint8extended(id, 7)) FROM before) = (SELECT sum(hashint8extended(id, 7)) FROM after)) IS NOT TRUE;
    RETURN NULL; END $$;
CREATE FUNCTION old_key() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO d VALUES (txid_current(), old.id); RETURN NULL; END $$;
CREATE FUNCTION new_key() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO d VALUES (txid_current(), new.id); RETURN NULL; END $$;

CREATE PROCEDURE measure(design text) LANGUAGE plpgsql AS $$
DECLARE
    began float;
BEGIN
    TRUNCATE d;
    COMMIT;
    began := cpu_us();
    UPDATE t SET v = v + 1;
    COMMIT;
    INSERT INTO result VALUES (design, (cpu_us() - began) / 1000);
    DROP TRIGGER IF EXISTS u ON t;
    DROP TRIGGER IF EXISTS k ON t;
    COMMIT;
END $$;

SET client_min_messages = warning;
DO $$
BEGIN
    FOR round IN 1..5 LOOP
        CALL measure('1 no trigger');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION new_keys();
        CREATE TRIGGER k AFTER UPDATE ON t FOR EACH ROW WHEN (NOT (old.id = new.id)) EXECUTE FUNCTION old_key();
        CALL measure('2 new rows by statement, changed keys by row');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION both_keys();
        CALL measure('3 union of old and new rows by statement');
        CREATE TRIGGER u AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION new_key();
        CALL measure('4 every row by row');
        CREATE TRIGGER u AFTER UPDATE ON t REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION old_keys_if();
        CALL measure('5 new rows by statement, old ones too where hashes of their keys differ');
    END LOOP;
END $$;
SELECT design, round(min(ms)) AS best_ms, round(max(ms)) AS worst_ms FROM result GROUP BY 1 ORDER BY 1;
