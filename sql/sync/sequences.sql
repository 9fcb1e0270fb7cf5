-- Every sequence and the last value that it gave. Those of extensions come with the extension.
-- Reads: pg_class, pg_sequence, pg_namespace, pg_depend, the sequences; :sql_catalog_locked unless wait.   Writes: nothing.
-- Variables: own_schema (text): repl's schema; wait (boolean): for those that somebody has locked (TRUNCATE ... RESTART
-- IDENTITY, ALTER SEQUENCE); else they count as if nextval was never called.
-- Returns: schema, name, sql (quoted and qualified), value (null: nextval was never called, or it may not be read), up,
-- locked (somebody has it, and it was not waited for), cycles.
WITH locked(oid) AS MATERIALIZED (
    -- The modes that keep its last value from being read.
    SELECT l.oid FROM (:sql_catalog_locked) l
    WHERE l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
)
SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname),
       CASE WHEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
                 AND (:wait OR c.oid NOT IN (SELECT k.oid FROM locked k))
            THEN pg_catalog.pg_sequence_last_value(c.oid) END,
       s.seqincrement > 0, NOT :wait AND c.oid IN (SELECT k.oid FROM locked k), s.seqcycle
FROM (SELECT oid, nspname FROM pg_catalog.pg_namespace
      WHERE nspname NOT IN (:'own_schema', :'own_schema' || '_back', pg_catalog.regexp_replace(:'own_schema', '_back$', ''))
        AND pg_catalog.obj_description(oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      OFFSET 0) n -- first: a schema is asked once, not for each of thousands of sequences
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = 'S' AND c.relpersistence <> 't'
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.objsubid = 0 AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
