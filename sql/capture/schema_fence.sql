-- The fence, which keeps writers out while a cutover is under way.
-- Writes: functions of capture's schema.   Variables: schema.

-- Puts up the fence: every capture function fails with 25006, so every write to a captured table does, in all sessions
-- and without a lock on any table. The functions' definitions are kept until it is lifted. Where it stands already it
-- is extended to functions made since, or to those of the names given alone. Returns how many functions fail now.
CREATE FUNCTION :"schema".put_up_fence(names name[] DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
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
END $$;

-- Lifts it: the functions are what they were. Returns how many; 0 where no fence stood.
CREATE FUNCTION :"schema".lift_fence() RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
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
