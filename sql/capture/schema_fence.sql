-- The cutover's state and the fence, which refuses writes while a cutover is under way and behind it.
-- Writes: a table, two sequences, a view and functions of capture's schema.   Variables: schema.
--
-- The state is a row. Whether a write is refused is in two sequences, since a session reads what is in a sequence now,
-- whatever its snapshot: until when the fence is up (microseconds of the server's clock; 0: not at all; the largest number:
-- for good), and whether a write went through a fence whose time was over (1 no, 2 yes). docs/cutover.md argues why no write
-- is lost.

CREATE TABLE :"schema".cutover (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    state      text NOT NULL DEFAULT 'none',
    since      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    attempt    bigint NOT NULL DEFAULT 0, -- a command moves the state of its own attempt alone
    fenced_at  timestamptz,
    why        text,                      -- how the last attempt ended
    mark       text,                      -- what the other side was when the switch began: by it the rows that were written since are counted
    pid        int,                       -- the session of the command that has the attempt
    session_at timestamptz
);
INSERT INTO :"schema".cutover DEFAULT VALUES;

CREATE SEQUENCE :"schema".fence_until MINVALUE 0;
CREATE SEQUENCE :"schema".fence_passed MINVALUE 1 MAXVALUE 2;
SELECT pg_catalog.setval(pg_catalog.format('%I.fence_until', :'schema')::pg_catalog.regclass, 0),
       pg_catalog.setval(pg_catalog.format('%I.fence_passed', :'schema')::pg_catalog.regclass, 1);

CREATE FUNCTION :"schema".fence_clock() RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$ SELECT (date_part('epoch', clock_timestamp()) * 1000000)::bigint $$;

-- The functions that refuse a write now.
CREATE VIEW :"schema".fence AS
SELECT p.proname AS function
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = (SELECT c.relnamespace FROM pg_catalog.pg_class c
                        WHERE c.oid = pg_catalog.format('%I.cutover', :'schema')::pg_catalog.regclass)
  AND p.prosrc LIKE '/* repl: the fence */%'
  AND pg_catalog.pg_sequence_last_value(pg_catalog.format('%I.fence_until', :'schema')::pg_catalog.regclass)
      > :"schema".fence_clock();

-- Asked by a capture function behind the fence: fails with 25006, or returns where the fence's time is over. The clock is read
-- before the sequence, and who goes through says so before the sequence is read again: a fence whose time was
-- prolonged in between refuses, and a command that finds that somebody went through does not complete.
CREATE FUNCTION :"schema".refuse(nspname name, relname name) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    now bigint := fence_clock();
    until bigint := pg_sequence_last_value('fence_until'::regclass);
BEGIN
    IF until = 0 THEN
        RETURN;
    END IF;
    IF now > until THEN
        IF pg_sequence_last_value('fence_passed'::regclass) = 1 THEN
            PERFORM setval('fence_passed'::regclass, 2);
        END IF;
        IF pg_sequence_last_value('fence_until'::regclass) IN (until, 0) THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
        MESSAGE = format('cannot write to %I.%I: this database is being moved to another server', nspname, relname),
        HINT = 'repl has switched writes off here. Connect again with the new DATABASE_URL, or try again when the cutover has ended.';
END $$;

-- Puts the question in front of every capture function, or of those alone: no lock on any table. What they do is kept, so a
-- write that goes through is captured as ever. Sessions of repl's own role with its mark are not asked (guard.sql). Returns how many have it.
CREATE FUNCTION :"schema".put_up_fence(names name[] DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    f record;
    head text;
BEGIN
    PERFORM FROM cutover FOR UPDATE;
    SELECT format($body$/* repl: the fence */ BEGIN
    IF pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) %L
       AND session_user OPERATOR(pg_catalog.=) %L THEN
        NULL;
    ELSE
        PERFORM %I.refuse(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    END IF;
/* repl: behind the fence */$body$, s.sync_id, s.role, n.nspname) INTO head
    FROM sync s, pg_namespace n WHERE n.oid = (SELECT relnamespace FROM pg_class WHERE oid = 'cutover'::regclass);
    FOR f IN SELECT pg_get_functiondef(p.oid) AS definition, p.prosrc
             FROM pg_proc p JOIN pg_class c ON c.oid = 'cutover'::regclass
             WHERE p.pronamespace = c.relnamespace AND p.proowner = c.relowner
               AND p.prorettype = 'trigger'::regtype AND (names IS NULL OR p.proname = ANY (names))
               AND p.prosrc NOT LIKE '/* repl: the fence */%'
             ORDER BY p.oid LOOP
        EXECUTE replace(f.definition, f.prosrc, head || f.prosrc || '/* repl: the end of the fence */; END');
    END LOOP;
    RETURN (SELECT count(*) FROM pg_proc p
            WHERE p.pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'cutover'::regclass)
              AND p.prosrc LIKE '/* repl: the fence */%');
END $$;

-- For capture functions that were just made: where the fence is up it is put in front of them too.
CREATE FUNCTION :"schema".extend_fence(names name[]) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    IF pg_sequence_last_value('fence_until'::regclass) > fence_clock() THEN
        PERFORM put_up_fence(names);
    END IF;
END $$;

-- Takes the question away: each function is what it was. Returns how many had it.
CREATE FUNCTION :"schema".take_down_fence() RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    f record;
    n bigint := 0;
BEGIN
    PERFORM FROM cutover FOR UPDATE;
    FOR f IN SELECT pg_get_functiondef(p.oid) AS definition, p.prosrc,
                    split_part(split_part(p.prosrc, '/* repl: behind the fence */', 2), '/* repl: the end of the fence */', 1) AS body
             FROM pg_proc p JOIN pg_class c ON c.oid = 'cutover'::regclass
             WHERE p.pronamespace = c.relnamespace AND p.proowner = c.relowner
               AND p.prosrc LIKE '/* repl: the fence */%'
             ORDER BY p.oid LOOP
        EXECUTE replace(f.definition, f.prosrc, f.body);
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

-- What is known of the cutover: its row; whether the fence refuses now; whether it does for good; whether a write went
-- through; the milliseconds that are left; whether the session of the command is still there.
CREATE FUNCTION :"schema".cutover_now(OUT state text, OUT since timestamptz, OUT attempt bigint, OUT fenced_at timestamptz,
    OUT why text, OUT mark text, OUT closed boolean, OUT sealed boolean, OUT passed boolean, OUT left_ms bigint,
    OUT alive boolean, OUT pid int, OUT covered boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    until bigint := pg_sequence_last_value('fence_until'::regclass);
BEGIN
    SELECT c.state, c.since, c.attempt, c.fenced_at, c.why, c.mark, c.pid,
           EXISTS (SELECT FROM pg_stat_activity a
                   WHERE a.pid = c.pid AND a.backend_start = c.session_at AND a.pid <> pg_backend_pid())
    INTO state, since, attempt, fenced_at, why, mark, pid, alive FROM cutover c;
    sealed := until = 9223372036854775807;
    passed := pg_sequence_last_value('fence_passed'::regclass) = 2;
    left_ms := CASE WHEN sealed THEN NULL ELSE greatest(0, (until - fence_clock()) / 1000) END;
    closed := EXISTS (SELECT FROM fence);
    covered := EXISTS (SELECT FROM pg_proc p
                       WHERE p.pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'cutover'::regclass)
                         AND p.prosrc LIKE '/* repl: the fence */%');
END $$;

-- Whether the fence has stood without a break since its attempt began.
CREATE FUNCTION :"schema".fence_holds() RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT pg_sequence_last_value('fence_until'::regclass) > fence_clock()
       AND pg_sequence_last_value('fence_passed'::regclass) = 1
$$;

-- Prolongs the fence of that attempt by so many milliseconds from now; false: it was not up any more, and is not now. One that was put up for good stays so.
CREATE FUNCTION :"schema".renew_fence(own bigint, lease_ms bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    PERFORM FROM cutover WHERE attempt = own AND state IN ('fencing', 'fenced', 'drained', 'switching') FOR UPDATE;
    IF NOT FOUND OR NOT fence_holds() THEN
        RETURN false;
    END IF;
    IF pg_sequence_last_value('fence_until'::regclass) < 9223372036854775807 THEN
        PERFORM setval('fence_until'::regclass, fence_clock() + 1000 * lease_ms);
        IF pg_sequence_last_value('fence_passed'::regclass) = 2 THEN
            PERFORM setval('fence_until'::regclass, 0);
            RETURN false;
        END IF;
    END IF;
    RETURN true;
END $$;

-- From here on the fence of that attempt, whose state is "switching", is permanent. False: a write went through before
-- that; then it is up no more.
CREATE FUNCTION :"schema".seal_fence(own bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    PERFORM FROM cutover WHERE attempt = own AND state = 'switching' FOR UPDATE;
    IF NOT FOUND OR NOT fence_holds() THEN
        RETURN false;
    END IF;
    PERFORM setval('fence_until'::regclass, 9223372036854775807);
    IF pg_sequence_last_value('fence_passed'::regclass) = 2 THEN
        PERFORM setval('fence_until'::regclass, 0);
        RETURN false;
    END IF;
    RETURN true;
END $$;

-- Moves the state to another, from one of those named, for that attempt or (null) for a new one. Returns the attempt; null:
-- the state is none of those, or another attempt's, or the fence has not stood without a break. How it moves is the table
-- in replicator/capture/fence_state.c; here is what must happen in the same transaction.
CREATE FUNCTION :"schema".move_cutover(own bigint, froms text[], becomes text, reason text, marked text, lease_ms bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    c cutover;
BEGIN
    SELECT * INTO c FROM cutover FOR UPDATE;
    IF c.state <> ALL (froms) OR c.attempt <> own THEN
        RETURN NULL;
    END IF;
    c.attempt := c.attempt + (own IS NULL)::int;
    IF becomes IN ('fenced', 'drained', 'switching', 'complete') AND NOT fence_holds() THEN
        RETURN NULL;
    END IF;
    IF becomes = 'complete' AND pg_sequence_last_value('fence_until'::regclass) < 9223372036854775807 THEN
        RETURN NULL;
    END IF;
    IF own IS NULL THEN
        c.pid := pg_backend_pid();
        SELECT backend_start INTO c.session_at FROM pg_stat_activity WHERE pid = c.pid;
    END IF;
    IF becomes = 'fencing' THEN
        PERFORM setval('fence_passed'::regclass, 1), setval('fence_until'::regclass, fence_clock() + 1000 * lease_ms);
        c.fenced_at := clock_timestamp();
    ELSIF becomes = 'reserved' THEN
        PERFORM setval('fence_passed'::regclass, 1), setval('fence_until'::regclass, 9223372036854775807);
    END IF;
    IF becomes IN ('fenced', 'drained', 'switching', 'reserved') THEN
        PERFORM put_up_fence();
    ELSIF becomes IN ('none', 'aborted') THEN
        PERFORM take_down_fence();
    END IF;
    UPDATE cutover SET state = becomes, attempt = c.attempt, why = reason, mark = coalesce(marked, c.mark),
                       fenced_at = c.fenced_at, pid = c.pid, session_at = c.session_at,
                       since = CASE WHEN c.state = becomes THEN c.since ELSE clock_timestamp() END;
    RETURN c.attempt;
END $$;

-- Behind a move to "none" or "aborted" that has committed.
CREATE FUNCTION :"schema".open_fence() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    PERFORM FROM cutover WHERE state IN ('none', 'aborted') FOR UPDATE;
    IF FOUND THEN
        PERFORM setval('fence_until'::regclass, 0);
    END IF;
END $$;
