-- What the way back needs on the old source beside the tables of every target: what is switched off there while it is
-- written by repl alone. Its role may not set session_replication_role, but its tables' owner may do all of this.
-- Writes: the schema.   Variables: schema (of the way back).
-- One row. quiet: what stands in silenced is off, and repl may write.
CREATE TABLE :"schema".way (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    quiet boolean NOT NULL
);
INSERT INTO :"schema".way (quiet) VALUES (false);

-- Triggers and rules that would fire, foreign keys that would stand in the way; and those whose rows are still to be
-- validated after they were added again. How it was, as far as it is needed to restore it: of triggers and rules enabled, of
-- foreign keys the columns named as in pg_constraint. Values and no SQL: nothing that stands here is executed as it stands.
CREATE TABLE :"schema".silenced (
    kind           text NOT NULL CHECK (kind IN ('trigger', 'rule', 'deferred', 'dropped', 'unvalidated')),
    relid          pg_catalog.oid NOT NULL,
    name           pg_catalog.name NOT NULL,
    enabled        "char",
    conkey         int2[],
    confrelid      pg_catalog.oid,
    confkey        int2[],
    confmatchtype  "char",
    confupdtype    "char",
    confdeltype    "char",
    confdelsetcols int2[],
    condeferrable  boolean,
    condeferred    boolean,
    conperiod      boolean,
    convalidated   boolean,
    remark         text,
    off            boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, relid, name)
);

-- The tables of the sync, and their partitions.
CREATE FUNCTION :"schema".written() RETURNS SETOF oid LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    WITH RECURSIVE w(oid) AS (
        SELECT to_regclass(format('%I.%I', nspname, relname))::oid FROM relation
        UNION
        SELECT i.inhrelid FROM pg_inherits i JOIN w ON i.inhparent = w.oid
    )
    SELECT oid FROM w WHERE oid IS NOT NULL
$$;

-- Foreign keys of and to these tables. NO ACTION can be deferred to the commit of a batch, which holds a whole snapshot.
-- What another action does when a row goes is done at once, deferrable or not, and would reach rows that no batch
-- brings again; so would the check of one that the rows do not keep. Those are dropped, to be added again.
-- What a column of pg_constraint is called is the same in all versions; some lack confdelsetcols or conperiod.
CREATE FUNCTION :"schema".foreign_keys() RETURNS SETOF :"schema".silenced LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT CASE WHEN k.confdeltype = 'a' AND k.convalidated THEN 'deferred' ELSE 'dropped' END, k.conrelid, k.conname, NULL::"char",
           k.conkey, k.confrelid, k.confkey, k.confmatchtype, k.confupdtype, k.confdeltype,
           (SELECT array_agg(c.number::int2 ORDER BY c.i)
            FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(to_jsonb(k) -> 'confdelsetcols') = 'array'
                                                THEN to_jsonb(k) -> 'confdelsetcols' ELSE '[]' END)
                 WITH ORDINALITY c(number, i)),
           k.condeferrable, k.condeferred, coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false), k.convalidated,
           obj_description(k.oid, 'pg_constraint'), false
    FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conparentid = 0
      AND (k.conrelid IN (SELECT written()) OR k.confrelid IN (SELECT written()))
      AND NOT (k.confdeltype = 'a' AND k.convalidated AND k.condeferrable)
      AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
$$;

-- Columns by their numbers, quoted, by the names that they have now; null: one of them is gone.
CREATE FUNCTION :"schema".column_list(relation oid, numbers int2[], period boolean) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) = cardinality(numbers)
           THEN string_agg(CASE WHEN period AND u.i = cardinality(numbers) THEN 'PERIOD ' ELSE '' END || quote_ident(a.attname),
                           ', ' ORDER BY u.i) END
    FROM unnest(numbers) WITH ORDINALITY u(number, i)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.number AND NOT a.attisdropped
$$;

-- A foreign key's definition, made from what it was: null where one of its tables or columns is gone.
CREATE FUNCTION :"schema".foreign_key(s :"schema".silenced) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT format('FOREIGN KEY (%s) REFERENCES %s (%s)', column_list(s.relid, s.conkey, s.conperiod), f.oid::regclass,
                  column_list(f.oid, s.confkey, s.conperiod))
           || CASE WHEN s.confmatchtype = 'f' THEN ' MATCH FULL' ELSE '' END
           || CASE s.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE'
              WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END
           || CASE s.confdeltype WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
              WHEN 'n' THEN ' ON DELETE SET NULL' WHEN 'd' THEN ' ON DELETE SET DEFAULT' ELSE '' END
           || coalesce(' (' || column_list(s.relid, s.confdelsetcols, false) || ')', '')
           || CASE WHEN s.condeferrable THEN ' DEFERRABLE' ELSE '' END
           || CASE WHEN s.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
    FROM pg_class f
    WHERE f.oid = s.confrelid AND column_list(s.relid, s.conkey, false) IS NOT NULL
      AND column_list(f.oid, s.confkey, false) IS NOT NULL
$$;

-- Lists what is not listed yet. Triggers of repl's own, of whatever sync, go on.
CREATE FUNCTION :"schema".note_silenced() RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    INSERT INTO silenced (kind, relid, name, enabled)
    SELECT 'trigger', g.tgrelid, g.tgname, g.tgenabled
    FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid IN (SELECT written()) AND g.tgenabled IN ('O', 'A')
      -- What older servers cloned to partitions they call internal, like the triggers of foreign keys.
      AND (NOT g.tgisinternal OR (g.tgparentid <> 0 AND p.proname !~ '^(RI_FKey_|unique_key_recheck$)'))
      AND NOT EXISTS (SELECT FROM pg_class f JOIN pg_class s ON s.relnamespace = f.relnamespace AND s.relname = 'sync'
                      WHERE f.relnamespace = p.pronamespace AND f.relname = 'fence')
    UNION ALL
    SELECT 'rule', w.ev_class, w.rulename, w.ev_enabled
    FROM pg_rewrite w
    WHERE w.ev_class IN (SELECT written()) AND w.ev_enabled IN ('O', 'A')
    ON CONFLICT DO NOTHING;
    INSERT INTO silenced SELECT * FROM foreign_keys() ON CONFLICT DO NOTHING
$$;

-- The statement that switches one of them off, or restores it.
CREATE FUNCTION :"schema".silencer(s :"schema".silenced, off boolean) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT format('ALTER TABLE %s%s ', CASE WHEN s.kind IN ('trigger', 'rule') THEN 'ONLY ' ELSE '' END, c.oid::regclass)
           || CASE
              WHEN s.kind IN ('trigger', 'rule') AND off THEN format('DISABLE %s %I', s.kind, s.name)
              WHEN s.kind IN ('trigger', 'rule') THEN
                  format('ENABLE %s %s %I', CASE WHEN s.enabled = 'A' THEN 'ALWAYS' END, s.kind, s.name)
              WHEN s.kind = 'deferred' AND off THEN
                  format('ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE', s.name)
              WHEN s.kind = 'deferred' THEN format('ALTER CONSTRAINT %I NOT DEFERRABLE', s.name)
              WHEN s.kind = 'dropped' AND off THEN format('DROP CONSTRAINT IF EXISTS %I', s.name)
              WHEN s.kind = 'dropped' THEN
                  format('ADD CONSTRAINT %I ', s.name) || foreign_key(s)
                  || CASE WHEN c.relkind = 'r' OR NOT s.convalidated THEN ' NOT VALID' ELSE '' END
                  || coalesce(format('; COMMENT ON CONSTRAINT %I ON %s IS %L', s.name, c.oid::regclass, s.remark), '')
              WHEN s.kind = 'unvalidated' THEN format('VALIDATE CONSTRAINT %I', s.name)
              END
    FROM pg_class c
    WHERE c.oid = s.relid
      AND CASE s.kind
          WHEN 'trigger' THEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = s.relid AND g.tgname = s.name)
          WHEN 'rule' THEN EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = s.relid AND w.rulename = s.name)
          ELSE EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = s.relid AND k.conname = s.name AND k.contype = 'f')
               = (s.kind <> 'dropped' OR off)
          END
$$;

-- Switches off what is on, at most that many in one transaction, and returns how many are left; when none is, repl may
-- write. Nothing waits longer for a lock than the session's lock_timeout.
CREATE FUNCTION :"schema".hush(most int) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    s silenced;
    n bigint;
BEGIN
    PERFORM FROM way FOR UPDATE;
    PERFORM note_silenced();
    FOR s IN SELECT * FROM silenced q WHERE NOT q.off AND q.kind <> 'unvalidated' ORDER BY kind, relid, name LIMIT most LOOP
        EXECUTE coalesce(silencer(s, true), 'SELECT');
        UPDATE silenced q SET off = true WHERE (q.kind, q.relid, q.name) = (s.kind, s.relid, s.name);
    END LOOP;
    SELECT count(*) INTO n FROM silenced q WHERE NOT q.off AND q.kind <> 'unvalidated';
    IF n = 0 THEN
        UPDATE way SET quiet = true WHERE NOT quiet;
    END IF;
    RETURN n;
END $$;

-- The reverse: repl may not write any more, and what was switched off is as it was. Partitions come after their parents.
CREATE FUNCTION :"schema".wake(most int) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    s silenced;
BEGIN
    UPDATE way SET quiet = false;
    DELETE FROM silenced q WHERE NOT q.off AND q.kind <> 'unvalidated';
    FOR s IN SELECT q.* FROM silenced q LEFT JOIN pg_class c ON c.oid = q.relid WHERE q.off
             ORDER BY q.kind, c.relispartition, q.relid, q.name LIMIT most LOOP
        EXECUTE coalesce(silencer(s, false), 'SELECT');
        DELETE FROM silenced q WHERE (q.kind, q.relid, q.name) = (s.kind, s.relid, s.name);
        INSERT INTO silenced (kind, relid, name)
        SELECT 'unvalidated', s.relid, s.name FROM pg_constraint k
        WHERE s.kind = 'dropped' AND s.convalidated AND k.conrelid = s.relid AND k.conname = s.name
          AND NOT k.convalidated
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN (SELECT count(*) FROM silenced q WHERE q.off);
END $$;

-- First in the transaction of a batch: repl may write, and goes on being allowed to until it has committed.
CREATE FUNCTION :"schema".begin_batch() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    PERFORM FROM way WHERE quiet FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'foreign keys and triggers are not switched off here yet' USING ERRCODE = 'object_in_use';
    END IF;
    SET CONSTRAINTS ALL DEFERRED;
END $$;
